#pragma once

// Requests from the server into a sandbox: over sockets that were made inside, because a socket
// stays in the network in which it was made.

#include "async/tcp.h"

namespace functions {

// One such socket; connected as often as needed, one connection at a time.
class InwardSocket {
 public:
  explicit InwardSocket(async::OwnedFd fd) : fd_(std::move(fd)) {}
  // To a port of 127.0.0.1 inside. The connection may still be coming about: the first write tells.
  base::Result<std::unique_ptr<async::Stream>> connect(async::AsioCore& core, std::uint16_t port);

 private:
  async::OwnedFd fd_;
};

// One POST on a fresh connection; true: the answer is a 2xx.
async::Task<bool> post_json(async::Stream& stream, std::string target, std::string body);

}  // namespace functions
