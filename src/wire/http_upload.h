#pragma once

// Uploads: requests whose handler begins before their body has come, and reads it as it comes. Over
// HTTP/1 only; of an HTTP/2 request the body comes whole, as one piece.
//
// All on the connection's core. The peer may take its time: a handler that has waited long enough
// ends the connection's listener, and read() answers at once.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wire/http_types.h"

namespace wire {

class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next bytes, and "" at the body's end. nullopt: the peer is gone or broke the protocol;
  // nothing more will come. Not beside another read(). What has not been read waits at the peer.
  virtual async::Task<std::optional<std::string>> read() = 0;
  // What a chunked body ended with; once read() has answered "".
  virtual const std::vector<Header>& trailers() const = 0;
};

struct Uploads {
  // Whether a request (without its body) is one of these.
  std::function<bool(const HttpRequest&)> takes;
  // `request` comes without its body; the reader dies when the answer is there. What was not read
  // then costs the peer its connection.
  std::function<async::Task<HttpResponse>(HttpRequest request, BodyReader& body)> handler;
};

// A body that is there already.
class WholeBody final : public BodyReader {
 public:
  explicit WholeBody(std::string bytes) : bytes_(std::move(bytes)) {}
  async::Task<std::optional<std::string>> read() override { co_return std::exchange(bytes_, {}); }
  const std::vector<Header>& trailers() const override { return trailers_; }

 private:
  std::string bytes_;
  std::vector<Header> trailers_;
};

}  // namespace wire
