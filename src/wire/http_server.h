#pragma once

// HttpServer: HTTP/1.1 and HTTP/2, in clear and over TLS, all on the same port: the first bytes of
// a connection tell (0x16: TLS, then ALPN; "PRI * HTTP/2.0": HTTP/2; else HTTP/1).
//
// Owned by the server's wiring. A listener accepts on its own core and deals its connections out to
// all cores in turn; a connection stays on its core. start(), stop_listener() and figures() are
// thread-safe; stop() is awaited once, from a core, before the server dies and before the cores
// stop. Nothing survives a crash.

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "async/asio_core.h"
#include "async/tcp.h"
#include "async/tls.h"
#include "base/clock.h"
#include "wire/http_types.h"
#include "wire/http_upload.h"

namespace wire {

struct HttpLimits {
  std::size_t header_bytes_max = 64 * 1024;  // request line and headers; beyond: 431
  std::size_t header_count_max = 256;        // beyond: 431
  std::size_t body_bytes_max = 256 << 20;    // of one request; beyond: 413
  // Bodies of all requests being read or answered, and of all large answers (over 64 KiB) that are
  // not yet sent. Beyond, an error that clients take for throttling (overload.h).
  std::size_t body_budget_bytes = 1 << 30;
  std::size_t answer_budget_bytes = 512 << 20;
  std::size_t connections_max = 8192;     // beyond, or beyond a listener's own: closed at once
  std::uint32_t http2_streams_max = 256;  // at a time on one connection

  std::chrono::milliseconds idle_timeout{120'000};   // between requests
  std::chrono::milliseconds header_timeout{30'000};  // from a head's first byte to its last
  // A body (either way) has this long, and longer by each byte moved at the least rate.
  std::chrono::milliseconds transfer_grace{30'000};
  std::size_t transfer_rate_min = 4096;  // bytes a second
};

struct HttpOptions {
  HttpLimits limits;
  std::shared_ptr<const async::TlsServerContext> tls;  // nullptr: TLS is refused
  const base::Clock* clock = nullptr;                  // for Date; nullptr: the system's
  Uploads uploads = {};                                // of the server's own handler
};

struct HttpFigures {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused = 0;  // over a connections_max
  std::uint64_t requests_total = 0;
  std::uint64_t requests_refused = 0;   // malformed or over a limit: no handler saw them
  std::uint64_t answers_refused = 0;    // for which there was no memory
  std::uint64_t body_bytes_held = 0;    // of the budget
  std::uint64_t answer_bytes_held = 0;  // of the budget
};

class HttpServer {
 public:
  using ListenerId = std::uint64_t;
  static constexpr std::size_t kNoLimit = SIZE_MAX;  // but that of HttpLimits

  // The cores outlive the server; at least one.
  HttpServer(HttpOptions options, std::vector<async::AsioCore*> cores, HttpHandler handler);
  HttpServer(HttpOptions options, async::CorePool& cores, HttpHandler handler);
  ~HttpServer();  // CHECKs that stop() was awaited if anything was started

  // Starts to accept. Requests from this listener go to `handler` if one is given (a function's
  // sandbox has its own, with its own uploads), else to the server's. Of its connections no more
  // than `connections_max` stay open. After stop(): closes the listener.
  ListenerId start(std::unique_ptr<async::Listener> listener, HttpHandler handler = {},
                   Uploads uploads = {}, std::size_t connections_max = kNoLimit);
  // Stops accepting there, ends its connections (what runs gets until `deadline`), and forgets its
  // handler. No-op for an id that is gone.
  async::Task<void> stop_listener(ListenerId id, base::SteadyTime deadline);
  // Stops accepting, closes idle connections, lets running requests finish until `deadline`, then
  // cuts what is left and waits for its handlers.
  async::Task<void> stop(base::SteadyTime deadline);

  // Serves one connection made elsewhere, on the current core, until it ends or stop() comes.
  async::Task<void> serve(std::unique_ptr<async::Stream> stream);

  HttpFigures figures() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wire
