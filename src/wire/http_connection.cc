// A connection from its first byte: which protocol it speaks, and what all protocols share.

#include "base/log.h"
#include "base/time_text.h"
#include "wire/http1_connection.h"
#include "wire/http2_connection.h"
#include "wire/http_grammar.h"
#include "wire/http_shared.h"
#include "wire/overload.h"

namespace wire {
namespace {

using async::Task;

constexpr std::chrono::seconds kFarewellTime{1};
constexpr std::size_t kAnswerUncountedBytes = 64 * 1024;
constexpr char kTlsHandshake = 0x16;
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// The whole life of a connection. Registered on its shelf, so that the server can end it.
class Connection final : public Session {
 public:
  Connection(Door& door, Shelf& shelf, std::unique_ptr<async::Stream> stream)
      : facts_{door, shelf, false, stream->peer_address()},
        owned_(std::move(stream)),
        stream_(owned_.get()) {
    shelf.sessions.insert(this);
    door.connections_open.fetch_add(1, std::memory_order_relaxed);
    door.shared.connections_open.fetch_add(1, std::memory_order_relaxed);
    door.shared.connections_total.fetch_add(1, std::memory_order_relaxed);
  }
  ~Connection() override {
    facts_.shelf.sessions.erase(this);
    facts_.door.connections_open.fetch_sub(1, std::memory_order_relaxed);
    facts_.shared().connections_open.fetch_sub(1, std::memory_order_relaxed);
  }

  void finish() override {
    if (protocol_ != nullptr) protocol_->finish();
    else cut();
  }
  void cut() override {
    if (protocol_ != nullptr) protocol_->cut();
    else if (stream_ != nullptr) stream_->close();
  }

  Task<void> run() {
    stream_->set_read_deadline(facts_.in(facts_.limits().header_timeout));
    stream_->set_write_deadline(facts_.in(facts_.limits().header_timeout));
    bool some = co_await read_some();
    bool http2 = false;
    if (some && input_.view().front() == kTlsHandshake) {
      some = co_await begin_tls();
      http2 = some && static_cast<async::TlsStream*>(stream_)->protocol() == "h2";
    }
    if (!some) co_return close();
    stream_->set_write_deadline(base::SteadyTime::max());
    if (!http2) {
      const auto clear = co_await starts_http2();
      if (!clear) co_return close();
      http2 = *clear;
    }
    if (http2) {
      Http2Connection connection(facts_, *stream_, std::move(input_));
      protocol_ = &connection;
      co_await connection.run();
      protocol_ = nullptr;
    } else {
      Http1Connection connection(facts_, *stream_, std::move(input_));
      protocol_ = &connection;
      co_await connection.run();
      protocol_ = nullptr;
    }
    if (facts_.secure) {
      // Without this word the peer cannot tell our end from an attacker's cut.
      stream_->set_write_deadline(facts_.in(kFarewellTime));
      co_await stream_->shutdown();
    }
    close();
  }

 private:
  void close() {
    if (stream_ != nullptr) stream_->close();
  }

  Task<bool> read_some() {
    const auto count = co_await stream_->read_some(input_.prepare());
    if (!count || *count == 0) co_return false;
    input_.commit(*count);
    co_return true;
  }

  Task<bool> begin_tls() {
    const auto& context = facts_.shared().options.tls;
    if (context == nullptr) co_return false;
    // stream_ stays valid while the handshake owns the stream: closing it ends the handshake.
    auto shaken =
        co_await async::accept_tls(std::move(owned_), context, std::string(input_.view()));
    input_ = {};
    if (!shaken) {
      stream_ = nullptr;
      base::log_debug("http: {}: {}", facts_.peer_address, shaken.error().message);
      co_return false;
    }
    owned_ = *std::move(shaken);
    stream_ = owned_.get();
    facts_.secure = true;
    co_return true;
  }

  // Does the connection open with HTTP/2's preface? nullopt: it ended before it could tell.
  Task<std::optional<bool>> starts_http2() {
    for (;;) {
      const auto seen = input_.view().substr(0, kHttp2Preface.size());
      if (seen != kHttp2Preface.substr(0, seen.size())) co_return false;
      if (seen.size() == kHttp2Preface.size()) co_return true;
      const bool more = co_await read_some();
      if (!more) co_return std::nullopt;
    }
  }

  ConnectionFacts facts_;
  std::unique_ptr<async::Stream> owned_;
  async::Stream* stream_;
  InputBuffer input_;
  Session* protocol_ = nullptr;
};

}  // namespace

Shelf& Door::shelf() {
  async::Core* const core = async::Core::current();
  CHECK(core != nullptr);
  const std::lock_guard lock(mutex_);
  for (auto& shelf : shelves_)
    if (&shelf.core == core) return shelf;
  return shelves_.emplace_back(*core);
}

void Door::add_shelf(async::Core& core) {
  const std::lock_guard lock(mutex_);
  shelves_.emplace_back(core);
}

std::vector<Shelf*> Door::shelves() {
  const std::lock_guard lock(mutex_);
  std::vector<Shelf*> all;
  for (auto& shelf : shelves_) all.push_back(&shelf);
  return all;
}

base::SteadyTime ConnectionFacts::transfer_deadline(base::SteadyTime start,
                                                    std::size_t bytes) const {
  const std::chrono::milliseconds earned(bytes * 1000 / limits().transfer_rate_min);
  return start + limits().transfer_grace + earned;
}

const std::string& ConnectionFacts::date() const {
  const auto now = shared().clock().now();
  const std::int64_t second = base::to_epoch_ms(now) / 1000;
  if (second != shelf.date_second) {
    shelf.date_second = second;
    shelf.date = base::http_date(now);
  }
  return shelf.date;
}

Task<Answer> ConnectionFacts::answer(HttpRequest& request) const {
  if (is_upload(request)) return answer_whole_upload(request);
  return checked([this, &request] { return door.handler(std::move(request)); });
}

Task<Answer> ConnectionFacts::answer_whole_upload(HttpRequest& request) const {
  WholeBody body(std::exchange(request.body, {}));
  auto answered = co_await answer_upload(std::move(request), body);
  co_return answered;
}

Task<Answer> ConnectionFacts::answer_upload(HttpRequest request, BodyReader& body) const {
  auto answered = co_await checked([&] { return door.uploads.handler(std::move(request), body); });
  co_return answered;
}

Task<Answer> ConnectionFacts::checked(std::function<Task<HttpResponse>()> run) const {
  HttpResponse response;
  std::string problem;
  try {
    response = co_await run();
    const auto sound = check_headers(response.headers);
    if (!sound) problem = sound.error().message;
    if (response.status < 200 || response.status > 999) problem = "no final status";
  } catch (const std::exception& thrown) {
    problem = thrown.what();
  } catch (...) {
    problem = "an unknown exception";
  }
  if (!problem.empty()) {
    base::log_error("http: a handler failed: {}", problem);
    response = refusal(500);
  }
  co_await async::on(shelf.core);
  co_return within_budget(std::move(response));
}

Answer ConnectionFacts::within_budget(HttpResponse response) const {
  if (response.body.size() <= kAnswerUncountedBytes) return {std::move(response), nullptr};
  auto share = std::make_shared<BodyShare>(shared().answer_budget);
  if (share->grow_to(response.body.size())) return {std::move(response), std::move(share)};
  shared().answers_refused.fetch_add(1, std::memory_order_relaxed);
  const std::string* const type = response.find("content-type");
  return {overloaded(type == nullptr ? std::string_view() : std::string_view(*type)), nullptr};
}

Task<void> serve_connection(std::shared_ptr<Door> door, std::unique_ptr<async::Stream> stream) {
  Shelf& shelf = door->shelf();
  if (shelf.finishing) {
    stream->close();
    co_return;
  }
  Connection connection(*door, shelf, std::move(stream));
  co_await connection.run();
}

}  // namespace wire
