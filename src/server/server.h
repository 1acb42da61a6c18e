#pragma once

// Server: Millrace running. Owns every part and knows them all; nobody else does. Built bottom-up
// from the settings, stopped top-down. start() and stop() are called from a thread that is no core.

#include <memory>
#include <string>

#include "base/result.h"
#include "server/settings.h"

namespace server {

class Server {
 public:
  // Opens the data folder (making it at the first start), recovers, and serves.
  static base::Result<std::unique_ptr<Server>> start(Settings settings);
  ~Server();  // stops

  const std::string& endpoint() const;  // "http://127.0.0.1:4566"
  // Lets running requests finish for a moment, ends functions, makes everything durable.
  // Idempotent.
  void stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// `millrace serve`: starts, says that it is ready, and waits for SIGINT or SIGTERM. The exit code.
int serve(const Settings& settings);

}  // namespace server
