#include "wire/http_client.h"

#include <fmt/format.h>

#include <iterator>
#include <list>

#include "async/tcp.h"
#include "wire/http1_parser.h"
#include "wire/http_buffer.h"
#include "wire/http_grammar.h"

namespace wire {
namespace {

using async::Task;
using base::ErrorCode;

constexpr std::size_t kPieceBytes = 64 * 1024;

struct ClientConnection {
  std::unique_ptr<async::Stream> stream;
  InputBuffer input;
  std::string key;  // where it leads: scheme and authority
  base::SteadyTime idle_since;
  bool reused = false;
};

// Connections that wait for their next request; the latest used last.
class Pool {
 public:
  explicit Pool(const HttpClientOptions& options) : options_(options) {}

  std::optional<ClientConnection> take(const std::string& key, base::SteadyTime now) {
    std::erase_if(idle_, [&](const auto& c) { return now - c.idle_since > options_.idle_timeout; });
    for (auto it = idle_.rbegin(); it != idle_.rend(); ++it) {
      if (it->key != key) continue;
      ClientConnection found = std::move(*it);
      idle_.erase(std::next(it).base());
      found.reused = true;
      return found;
    }
    return std::nullopt;
  }
  void put(ClientConnection connection, base::SteadyTime now) {
    if (closed_ || options_.idle_connections_max == 0) return;
    connection.idle_since = now;
    connection.stream->set_read_deadline(base::SteadyTime::max());
    connection.stream->set_write_deadline(base::SteadyTime::max());
    idle_.push_back(std::move(connection));
    if (idle_.size() > options_.idle_connections_max) idle_.pop_front();
  }
  void close() {
    closed_ = true;
    idle_.clear();
  }

 private:
  const HttpClientOptions& options_;
  std::list<ClientConnection> idle_;
  bool closed_ = false;
};

class Answer final : public ResponseStream {
 public:
  Answer(async::Core& core, Pool& pool, ClientConnection connection, ResponseHead head,
         bool no_body)
      : core_(core), pool_(pool), connection_(std::move(connection)), head_(std::move(head)) {
    no_body |= !status_has_body(head_.status);
    left_ = head_.framing.content_length.value_or(0);
    until_end_ = !no_body && !head_.framing.chunked && !head_.framing.content_length;
    if (no_body || (!until_end_ && !head_.framing.chunked && left_ == 0)) finish();
  }

  int status() const override { return head_.status; }
  const std::vector<Header>& headers() const override { return head_.headers; }
  void cancel() override {
    if (connection_) connection_->stream->close();
  }

  Task<base::Result<std::string>> next(std::chrono::milliseconds timeout) override {
    auto piece = co_await next_until(core_.now() + timeout);
    co_return piece;
  }

  Task<base::Result<std::string>> next_until(base::SteadyTime deadline) {
    while (connection_) {
      std::string piece;
      const auto taken = take_buffered(piece);
      if (!taken) co_return std::unexpected(taken.error());
      if (!piece.empty()) co_return piece;
      if (!connection_) break;
      connection_->stream->set_read_deadline(deadline);
      const auto count = co_await connection_->stream->read_some(connection_->input.prepare());
      if (!count) co_return std::unexpected(count.error());
      if (*count == 0 && !until_end_)
        co_return base::error(ErrorCode::kIo, "the connection broke inside the answer");
      if (*count == 0) connection_.reset();
      else connection_->input.commit(*count);
    }
    co_return std::string();
  }

 private:
  // Moves what is here of the body to the end of `piece`; a complete answer frees the connection.
  base::Status take_buffered(std::string& piece) {
    InputBuffer& input = connection_->input;
    if (head_.framing.chunked) {
      while (!input.empty() && !decoder_.done() && piece.size() < kPieceBytes) {
        const auto part = decoder_.next(input.view());
        if (decoder_.bad()) return base::error(ErrorCode::kIo, "the answer is badly chunked");
        piece.append(part.data);
        input.consume(part.consumed);
      }
      if (decoder_.done()) finish();
      return {};
    }
    const auto part = until_end_ ? input.view() : input.view().substr(0, left_);
    piece.append(part);
    const std::size_t size = part.size();
    input.consume(size);
    if (until_end_) return {};
    left_ -= size;
    if (left_ == 0) finish();
    return {};
  }

  void finish() {
    // Bytes that nobody asked for make a connection useless.
    if (head_.framing.keep_alive && connection_->input.empty())
      pool_.put(*std::move(connection_), core_.now());
    connection_.reset();
  }

  async::Core& core_;
  Pool& pool_;
  std::optional<ClientConnection> connection_;
  ResponseHead head_;
  ChunkedDecoder decoder_;
  std::uint64_t left_ = 0;
  bool until_end_ = false;
};

base::Result<std::string> request_head(const ClientRequest& request, const Url& url) {
  if (!is_token(request.method)) return base::error(ErrorCode::kInvalidArgument, "bad method");
  RETURN_IF_ERROR(check_headers(request.headers));
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", request.method, url.target);
  if (find_header(request.headers, "host") == nullptr) append_header(head, "Host", url.authority());
  for (const auto& [name, value] : request.headers)
    if (!equal_ignoring_case(name, "content-length") &&
        !equal_ignoring_case(name, "transfer-encoding"))
      append_header(head, name, value);
  const bool bodiless = request.method == "GET" || request.method == "HEAD";
  if (!request.body.empty() || !bodiless)
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", request.body.size());
  head += "\r\n";
  return head;
}

}  // namespace

struct HttpClient::Impl {
  async::AsioCore& core;
  HttpClientOptions options;
  Pool pool{options};
  std::shared_ptr<const async::TlsClientContext> tls;  // made when it is first needed

  Task<base::Result<ClientConnection>> connect(Url url, std::string key, base::SteadyTime deadline);
  Task<base::Result<ResponseHead>> exchange(ClientConnection& connection, const std::string& head,
                                            const std::string& body, base::SteadyTime deadline);
  Task<base::Result<std::unique_ptr<Answer>>> open(ClientRequest request,
                                                   base::SteadyTime deadline);
};

HttpClient::HttpClient(async::AsioCore& core, HttpClientOptions options)
    : impl_(new Impl{.core = core, .options = std::move(options)}) {}
HttpClient::~HttpClient() = default;
void HttpClient::close() { impl_->pool.close(); }

Task<base::Result<ClientConnection>> HttpClient::Impl::connect(Url url, std::string key,
                                                               base::SteadyTime deadline) {
  const auto soon = std::min(deadline, core.now() + options.connect_timeout);
  auto stream = co_await async::connect_tcp(core, url.host, url.port, soon);
  if (!stream) co_return std::unexpected(stream.error());
  ClientConnection connection{.stream = *std::move(stream), .key = std::move(key)};
  if (!url.secure) co_return connection;
  if (tls == nullptr) {
    auto made = async::TlsClientContext::make(
        {.authorities_pem = options.authorities_pem, .verify = options.verify});
    if (!made) co_return std::unexpected(made.error());
    tls = *made;
  }
  connection.stream->set_read_deadline(soon);
  connection.stream->set_write_deadline(soon);
  auto shaken = co_await async::connect_tls(std::move(connection.stream), tls, url.host);
  if (!shaken && shaken.error().code == ErrorCode::kTimeout)
    co_return std::unexpected(shaken.error());
  if (!shaken)
    co_return base::error(ErrorCode::kUnavailable,
                          "connect to " + url.host + ": " + shaken.error().message);
  connection.stream = *std::move(shaken);
  co_return connection;
}

// Sends a request and reads the answer's head; heads of interim answers are passed over.
Task<base::Result<ResponseHead>> HttpClient::Impl::exchange(ClientConnection& connection,
                                                            const std::string& head,
                                                            const std::string& body,
                                                            base::SteadyTime deadline) {
  auto& [stream, input, key, idle_since, reused] = connection;
  stream->set_write_deadline(deadline);
  stream->set_read_deadline(deadline);
  // A server may answer and hang up before it has taken the whole body: the answer counts.
  const auto written = co_await stream->write(head, body);
  if (!written && written.error().code != ErrorCode::kIo)
    co_return std::unexpected(written.error());
  HeadScanner scanner;
  for (;;) {
    const auto found = scanner.scan(input.view());
    if (found == HeadScanner::Found::kBad) co_return base::error(ErrorCode::kIo, "no HTTP answer");
    if (scanner.size() > options.header_bytes_max)
      co_return base::error(ErrorCode::kLimit, "the answer's headers are too large");
    if (found == HeadScanner::Found::kEnd) {
      auto parsed = parse_response_head(input.view().substr(0, scanner.size()),
                                        {.bytes_max = options.header_bytes_max});
      if (!parsed) co_return base::error(ErrorCode::kIo, "no HTTP answer");
      input.consume(scanner.size());
      if (parsed->status >= 200 || parsed->status == 101) co_return *std::move(parsed);
      scanner = {};
      continue;
    }
    const auto count = co_await stream->read_some(input.prepare());
    if (!count) co_return std::unexpected(count.error());
    if (*count == 0) co_return base::error(ErrorCode::kIo, "the server hung up");
    input.commit(*count);
    reused = false;  // it lives: from here on nothing is tried again
  }
}

Task<base::Result<std::unique_ptr<Answer>>> HttpClient::Impl::open(ClientRequest request,
                                                                   base::SteadyTime deadline) {
  CHECK(async::Core::current() == &core);
  const auto url = parse_url(request.url);
  if (!url) co_return std::unexpected(url.error());
  const auto head = request_head(request, *url);
  if (!head) co_return std::unexpected(head.error());
  const std::string key = (url->secure ? "https://" : "http://") + url->authority();
  for (;;) {
    std::optional<ClientConnection> connection = pool.take(key, core.now());
    if (!connection) {
      auto made = co_await connect(*url, key, deadline);
      if (!made) co_return std::unexpected(made.error());
      connection = *std::move(made);
    }
    auto answer = co_await exchange(*connection, *head, request.body, deadline);
    if (answer)
      co_return std::make_unique<Answer>(core, pool, *std::move(connection), *std::move(answer),
                                         request.method == "HEAD");
    // A kept connection that the server had closed meanwhile says nothing about the server.
    const bool stale = connection->reused && answer.error().code == ErrorCode::kIo;
    if (!stale) co_return std::unexpected(answer.error());
  }
}

Task<base::Result<ClientResponse>> HttpClient::send(ClientRequest request) {
  const auto deadline = impl_->core.now() + request.timeout;
  auto answer = co_await impl_->open(std::move(request), deadline);
  if (!answer) co_return std::unexpected(answer.error());
  ClientResponse response{(*answer)->status(), (*answer)->headers(), {}};
  for (;;) {
    const auto piece = co_await (*answer)->next_until(deadline);
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return response;
    if (response.body.size() + piece->size() > impl_->options.body_bytes_max)
      co_return base::error(ErrorCode::kLimit, "the answer's body is too large");
    response.body += *piece;
  }
}

Task<base::Result<std::unique_ptr<ResponseStream>>> HttpClient::open(ClientRequest request) {
  const auto deadline = impl_->core.now() + request.timeout;
  auto answer = co_await impl_->open(std::move(request), deadline);
  if (!answer) co_return std::unexpected(answer.error());
  co_return std::unique_ptr<ResponseStream>(*std::move(answer));
}

}  // namespace wire
