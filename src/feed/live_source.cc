#include "feed/live_source.h"

#include <fmt/format.h>

#include <charconv>

#include "async/timer.h"
#include "base/encoding.h"
#include "feed/line_splitter.h"
#include "feed/reconnect.h"
#include "feed/sse_parser.h"

namespace feed {
namespace {

using async::Task;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kConnectTimeout{20'000};
constexpr std::size_t kReasonBytesMax = 400;  // of a refusal's body, shown to the user
constexpr std::string_view kUserAgent = "millrace-feed (stream client)";

std::optional<milliseconds> retry_after(const wire::ResponseStream& answer) {
  const std::string* const text = wire::find_header(answer.headers(), "retry-after");
  unsigned seconds = 0;
  if (text == nullptr) return std::nullopt;
  const char* const end = text->data() + text->size();
  const auto [stopped, failed] = std::from_chars(text->data(), end, seconds);
  if (failed != std::errc() || stopped != end) return std::nullopt;
  return milliseconds(1000) * seconds;
}

class Live final : public Source {
 public:
  Live(async::AsioCore& core, wire::HttpClient& client, LiveOptions options, std::stop_token stop)
      : core_(core), client_(client), options_(std::move(options)), stop_(std::move(stop)) {
    forget_unfinished();
  }

  Task<base::Result<std::optional<Event>>> next() override {
    for (;;) {
      if (auto event = take()) co_return event;
      if (stop_.stop_requested() || ended_) co_return std::nullopt;
      if (answer_ == nullptr) {
        const auto status = co_await connect();
        if (!status) co_return std::unexpected(status.error());
        continue;
      }
      auto piece = co_await read();
      if (piece && !piece->empty()) {
        reconnect_.worked();
        feed(*std::move(piece));
        continue;
      }
      answer_.reset();
      if (stop_.stop_requested()) continue;
      const bool silent = !piece && piece.error().code == ErrorCode::kTimeout;
      co_await pause(Reconnect::After::kBreak, asked_by_events(),
                     piece ? "the source closed the stream"
                     : silent
                         ? fmt::format("no sign of life for {} ms", options_.silence_max.count())
                         : piece.error().message);
      forget_unfinished();
    }
  }

 private:
  // What is complete and not blank.
  std::optional<Event> take() {
    if (sse_) {
      if (sse_->dropped() > dropped_seen_) {
        ++dropped_seen_;
        return Event{.problem = fmt::format("an event over {} bytes", kEventBytesMax),
                     .position = options_.last_id};
      }
      auto found = sse_->next();
      if (!found) return std::nullopt;
      options_.last_id = found->id;
      return Event{.type = std::move(found->type),
                   .text = std::move(found->data),
                   .position = std::move(found->id)};
    }
    while (auto line = lines_->next()) {
      if (line->too_long)
        return Event{.problem = fmt::format("a line over {} bytes", kEventBytesMax)};
      if (line->text.find_first_not_of(" \t\r") == std::string::npos) continue;  // keep-alive
      return Event{.text = std::move(line->text)};
    }
    return std::nullopt;
  }

  void feed(std::string piece) {
    if (sse_) sse_->feed(piece);
    else lines_->feed(std::move(piece));
  }

  // Half an event of a broken connection is none.
  void forget_unfinished() {
    dropped_seen_ = 0;
    if (options_.format == LiveOptions::Format::kServerSentEvents)
      sse_.emplace(kEventBytesMax, options_.last_id);
    else lines_.emplace(kEventBytesMax);
  }

  std::optional<milliseconds> asked_by_events() const {
    if (!sse_ || !sse_->retry_ms()) return std::nullopt;
    return milliseconds(*sse_->retry_ms());
  }

  Task<base::Result<std::string>> read() {
    // The answer may be gone when the core gets to it.
    const std::stop_callback on_stop(stop_, [this] {
      core_.post([weak = std::weak_ptr(answer_)] {
        if (const auto answer = weak.lock()) answer->cancel();
      });
    });
    const std::shared_ptr<wire::ResponseStream> answer = answer_;
    auto piece = co_await answer->next(options_.silence_max);
    co_return piece;
  }

  // Success: connected, or waited, or the source has said that there is no more.
  Task<base::Status> connect() {
    auto request = options_.request(options_.last_id);
    request.timeout = kConnectTimeout;
    auto opened = co_await client_.open(std::move(request));
    if (!opened) {
      if (opened.error().code == ErrorCode::kInvalidArgument)
        co_return std::unexpected(opened.error());
      co_await pause(Reconnect::After::kBreak, std::nullopt, opened.error().message);
      co_return base::Status();
    }
    const int status = (*opened)->status();
    if (status == 200) {
      answer_ = *std::move(opened);
      co_return base::Status();
    }
    if (status == 204) {
      ended_ = true;
      co_return base::Status();
    }
    const auto asked = retry_after(**opened);
    const bool many = status == 429 || status == 420;
    if (many || status >= 500) {
      co_await pause(many ? Reconnect::After::kTooMany : Reconnect::After::kServerError, asked,
                     fmt::format("the source answered HTTP {}", status));
      co_return base::Status();
    }
    const auto words = co_await (*opened)->next(kConnectTimeout);
    co_return base::error(ErrorCode::kPermission,
                          fmt::format("the source refused: HTTP {} {}", status,
                                      words ? words->substr(0, kReasonBytesMax) : ""));
  }

  Task<void> pause(Reconnect::After what, std::optional<milliseconds> asked, std::string why) {
    const milliseconds wait = reconnect_.wait(what, asked);
    options_.warn(fmt::format("{}; trying again in {} ms", why, wait.count()));
    co_await async::sleep_for(wait, stop_);
  }

  async::AsioCore& core_;
  wire::HttpClient& client_;
  LiveOptions options_;
  std::stop_token stop_;
  Reconnect reconnect_;
  std::optional<SseParser> sse_;
  std::optional<LineSplitter> lines_;
  std::shared_ptr<wire::ResponseStream> answer_;
  std::uint64_t dropped_seen_ = 0;  // of sse_
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<Source> make_live(async::AsioCore& core, wire::HttpClient& client,
                                  LiveOptions options, std::stop_token stop) {
  return std::make_unique<Live>(core, client, std::move(options), std::move(stop));
}

std::function<wire::ClientRequest(const std::string&)> get_request(std::string url,
                                                                   std::string bearer,
                                                                   bool server_sent_events) {
  return [url = std::move(url), bearer = std::move(bearer),
          server_sent_events](const std::string& last_id) {
    wire::ClientRequest request{.url = url};
    request.headers.push_back({"User-Agent", std::string(kUserAgent)});
    if (server_sent_events) request.headers.push_back({"Accept", "text/event-stream"});
    if (!bearer.empty()) request.headers.push_back({"Authorization", "Bearer " + bearer});
    if (!last_id.empty()) request.headers.push_back({"Last-Event-ID", last_id});
    return request;
  };
}

std::function<wire::ClientRequest(const std::string&)> filter_request(
    std::string url, std::string track, OAuth1Keys keys, base::Clock& clock, base::Random& random) {
  return [url = std::move(url), track = std::move(track), keys = std::move(keys), &clock,
          &random](const std::string&) {
    OAuth1Request to_sign{.url = url.substr(0, url.find('?'))};
    to_sign.parameters = {{"track", track}};
    to_sign.nonce = base::random_text(random, base::kBase62, 32);
    to_sign.timestamp = fmt::to_string(base::to_epoch_ms(clock.now()) / 1000);
    wire::ClientRequest request{.method = "POST", .url = to_sign.url};
    request.headers = {{"User-Agent", std::string(kUserAgent)},
                       {"Content-Type", "application/x-www-form-urlencoded"},
                       {"Authorization", oauth1_authorization(to_sign, keys)}};
    request.body = "track=" + base::uri_encode(track);
    return request;
  };
}

}  // namespace feed
