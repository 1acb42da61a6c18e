#pragma once

// HttpClient: HTTP/1.1 requests over TCP or TLS, with connections kept for reuse. Whoever calls
// signs. Lives on one core and is used only there; close() is called before it dies if anything was
// sent.
//
//   auto answer = co_await client.send({.method = "PUT", .url = url, .body = body});

#include <chrono>
#include <memory>
#include <string>

#include "async/asio_core.h"
#include "async/tls.h"
#include "base/result.h"
#include "wire/http_types.h"

namespace wire {

// "https://host:port/path?query". No user information; a fragment is dropped.
struct Url {
  bool secure = false;
  std::string host;  // without brackets for IPv6
  std::uint16_t port = 80;
  std::string target = "/";  // path and query, raw

  std::string authority() const;  // what belongs into Host: no port if it is the scheme's own
};
base::Result<Url> parse_url(std::string_view text);

struct ClientRequest {
  std::string method = "GET";
  std::string url;
  // Host (if missing) and Content-Length are added.
  std::vector<Header> headers;
  std::string body;
  std::chrono::milliseconds timeout{60'000};  // for all of it; for open(): until the head is there
};

struct ClientResponse {
  int status = 0;
  std::vector<Header> headers;
  std::string body;

  const std::string* find(std::string_view name) const { return find_header(headers, name); }
};

// An answer whose body is read piece by piece: live feeds. Dies before its client.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  virtual int status() const = 0;
  virtual const std::vector<Header>& headers() const = 0;
  // The next bytes, "" at the body's end. kTimeout after `timeout` without any; kIo if the
  // connection broke before the end.
  virtual async::Task<base::Result<std::string>> next(std::chrono::milliseconds timeout) = 0;
  virtual void cancel() = 0;  // a pending next() ends with kCancelled
};

struct HttpClientOptions {
  std::string authorities_pem;  // trusted besides the system's own
  bool verify = true;           // false only in tests
  std::size_t idle_connections_max = 16;
  std::chrono::milliseconds idle_timeout{30'000};  // a kept connection is not reused after that
  std::chrono::milliseconds connect_timeout{10'000};
  std::size_t header_bytes_max = 64 * 1024;
  std::size_t body_bytes_max = 256 << 20;  // send() only
};

class HttpClient {
 public:
  HttpClient(async::AsioCore& core, HttpClientOptions options = {});
  ~HttpClient();

  // kInvalidArgument (bad URL or header), kUnavailable (cannot connect), kTimeout, kIo, kLimit.
  // A kept connection that proves dead before any byte of the answer is replaced by another
  // one. Redirects are answers like any other.
  async::Task<base::Result<ClientResponse>> send(ClientRequest request);
  // The same, up to the head.
  async::Task<base::Result<std::unique_ptr<ResponseStream>>> open(ClientRequest request);
  // Closes kept connections.
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wire
