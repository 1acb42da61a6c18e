#pragma once

// What HTTP handlers take and answer, whatever the version on the wire. Plain values.

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/clock.h"

namespace wire {

struct Header {
  std::string name;  // as sent (HTTP/2: always lower case)
  std::string value;
  bool operator==(const Header&) const = default;
};

// ASCII only, as header names are.
bool equal_ignoring_case(std::string_view a, std::string_view b);
// The first header of that name, in any case; nullptr if there is none.
const std::string* find_header(const std::vector<Header>& headers, std::string_view name);

struct HttpRequest {
  std::string method;
  std::string path = "/";       // raw, as sent; of an absolute target only its path
  std::string query;            // raw, what follows the first '?'
  std::vector<Header> headers;  // in order; HTTP/2's :authority comes as "host"
  std::string body;             // whole, without transfer coding
  bool secure = false;          // came over TLS
  bool http2 = false;
  std::string peer_address;  // without port

  const std::string* find(std::string_view name) const { return find_header(headers, name); }
};

// Where a streamed body goes: events, a function's output as it comes, a large object piece by
// piece. Lives on the connection's core, as long as the body's coroutine. At most one call at a
// time; what is held for a peer that does not read is one piece and, over HTTP/2, 64 KiB.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // Hands the bytes on, and waits while the peer is not taking them (back-pressure). False: the
  // peer is gone or too slow, or the server is stopping hard; nothing more will arrive.
  virtual async::Task<bool> write(std::string bytes) = 0;
  // Waits until the peer's window has let out all that was written. Whoever asks before making the
  // next piece makes none for a peer that does not read. Answers as write() does.
  virtual async::Task<bool> drained() = 0;
  // Requested once the peer is known to be gone or the server stops: bodies without an end of their
  // own (event streams) return then. Over HTTP/1, where only a read can tell, the peer is watched
  // while a body of unknown length is written.
  virtual std::stop_token stop_token() const = 0;
};

// Runs on the connection's core, after the head was sent; the body ends when it returns. The
// function lives until then, or dies unrun if there is nobody to send to. An exception cuts the
// body off so that the client can tell.
using StreamedBody = std::move_only_function<async::Task<void>(BodyWriter&)>;

struct HttpResponse {
  int status = 200;
  // Content-Length, Date, Connection and Transfer-Encoding are the server's business; a
  // Content-Length given here counts only for HEAD and for a streamed body of known length.
  std::vector<Header> headers;
  std::string body;
  StreamedBody stream;  // instead of `body`, if set
  // Until then a peer may leave a streamed body untaken, by the core's clock; afterwards, and
  // without it from the start, the least rate of HttpLimits holds.
  base::SteadyTime patient_until{};

  const std::string* find(std::string_view name) const { return find_header(headers, name); }
};

// Called on the connection's core, and may hop. The answer may come from any core. An exception
// becomes a 500.
using HttpHandler = std::function<async::Task<HttpResponse>(HttpRequest)>;

}  // namespace wire
