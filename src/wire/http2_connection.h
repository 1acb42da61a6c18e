#pragma once

// HTTP/2 on one connection (RFC 9113), from its preface to its end; nghttp2 knows the frames, this
// knows requests, limits and deadlines. Internal to the server.

#include "wire/http_buffer.h"
#include "wire/http_shared.h"

namespace wire {

class Http2Connection final : public Session {
 public:
  // `input`: bytes that were read already, the preface first.
  Http2Connection(const ConnectionFacts& facts, async::Stream& stream, InputBuffer input);
  ~Http2Connection() override;

  // Returns once nothing of the connection runs any more, its handlers included.
  async::Task<void> run();
  void finish() override;
  void cut() override;

 private:
  std::unique_ptr<class Http2Engine> engine_;
};

}  // namespace wire
