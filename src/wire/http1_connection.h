#pragma once

// HTTP/1.0 and 1.1 on one connection, from its first request to its end. Internal to the server.

#include "wire/http_buffer.h"
#include "wire/http_shared.h"

namespace wire {

class Http1Connection final : public Session {
 public:
  // `input`: bytes that were read already.
  Http1Connection(const ConnectionFacts& facts, async::Stream& stream, InputBuffer input);
  ~Http1Connection() override;

  async::Task<void> run();
  void finish() override;
  void cut() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wire
