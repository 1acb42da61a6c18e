#include "functions/telemetry.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/time_text.h"
#include "functions/instance_text.h"
#include "wire/http_client.h"
#include "wire/json_codec.h"

namespace functions {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds kRetryAfter{100};

// The limits of a subscription's buffering, and what it is without any.
struct Range {
  std::int64_t least;
  std::int64_t most;
  std::int64_t usual;
};
constexpr Range kItems{1000, 10'000, 10'000};
constexpr Range kBytes{262'144, 1'048'576, 262'144};
constexpr Range kWaitMs{25, 30'000, 1000};

struct Asked {
  std::set<std::string> types;
  std::size_t items = kItems.usual;
  std::size_t bytes = kBytes.usual;
  milliseconds wait{kWaitMs.usual};
  std::uint16_t port = 0;
  std::string target;
};

using Parsed = std::expected<Asked, std::string>;

std::optional<std::int64_t> number_in(const json::object& from, std::string_view name,
                                      const Range& range) {
  const json::value* const value = from.if_contains(name);
  if (value == nullptr) return range.usual;
  boost::system::error_code failure;
  const auto number = value->to_number<std::int64_t>(failure);
  if (failure || number < range.least || number > range.most) return std::nullopt;
  return number;
}

std::string read_destination(const json::object& body, Asked& asked) {
  const json::value* const destination = body.if_contains("destination");
  if (destination == nullptr || !destination->is_object()) return "destination is missing";
  const json::object& to = destination->as_object();
  const json::value* const protocol = to.if_contains("protocol");
  if (protocol == nullptr || *protocol != "HTTP") return "only the protocol HTTP is served";
  const json::value* const uri = to.if_contains("URI");
  if (uri == nullptr || !uri->is_string()) return "destination.URI is missing";
  const auto url = wire::parse_url(std::string_view(uri->as_string()));
  const bool inside = url && !url->secure &&
                      (url->host == "sandbox.localdomain" || url->host == "sandbox" ||
                       url->host == "localhost" || url->host == "127.0.0.1");
  if (!inside) return "destination.URI must be http://sandbox.localdomain:PORT/...";
  asked.port = url->port;
  asked.target = url->target;
  return {};
}

Parsed parse_subscription(const std::string& text) {
  boost::system::error_code failure;
  const json::value value = json::parse(text, failure);
  if (failure || !value.is_object()) return std::unexpected("the body is no JSON object");
  const json::object& body = value.as_object();
  Asked asked;
  const json::value* const types = body.if_contains("types");
  if (types == nullptr || !types->is_array() || types->as_array().empty())
    return std::unexpected("types is missing");
  for (const json::value& type : types->as_array()) {
    if (type != "platform" && type != "function" && type != "extension")
      return std::unexpected("types holds " + json::serialize(type));
    asked.types.emplace(type.as_string());
  }
  const json::object none;
  const json::value* const given = body.if_contains("buffering");
  const json::object& buffering =
      given != nullptr && given->is_object() ? given->as_object() : none;
  const auto items = number_in(buffering, "maxItems", kItems);
  const auto bytes = number_in(buffering, "maxBytes", kBytes);
  const auto wait = number_in(buffering, "timeoutMs", kWaitMs);
  if (!items || !bytes || !wait) return std::unexpected("buffering is out of range");
  asked.items = static_cast<std::size_t>(*items);
  asked.bytes = static_cast<std::size_t>(*bytes);
  asked.wait = milliseconds(*wait);
  const std::string wrong = read_destination(body, asked);
  if (!wrong.empty()) return std::unexpected(wrong);
  return asked;
}

std::string category_of(std::string_view type) {
  return std::string(type.substr(0, type.find('.')));
}

// What only one of the two APIs knows.
bool is_for(std::string_view type, bool logs_api) {
  if (type == "platform.end" || type == "platform.logsSubscription") return logs_api;
  if (type.starts_with("platform.init") || type == "platform.telemetrySubscription")
    return !logs_api;
  return true;
}

std::string event_json(base::Timestamp now, std::string_view type, std::string_view record) {
  return fmt::format(R"({{"time":"{}","type":"{}","record":{}}})", base::iso8601_ms(now), type,
                     record);
}

}  // namespace

struct Telemetry::Subscriber {
  std::string name;
  bool logs_api = false;
  std::size_t socket = 0;
  Asked asked;
  bool gone = false;

  std::deque<std::string> queue;
  std::size_t bytes = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dropped_bytes = 0;
  base::SteadyTime oldest;
};

Telemetry::Telemetry(async::Core& core, const base::Clock& clock, std::size_t sockets, Post post)
    : core_(core), clock_(clock), sockets_(sockets), post_(std::move(post)) {}
Telemetry::~Telemetry() = default;

bool Telemetry::takes(const wire::HttpRequest& request) {
  std::string_view path = request.path;
  if (path.ends_with('/')) path.remove_suffix(1);
  return path == kTelemetryApiPath || path == kLogsApiPath;
}

wire::HttpResponse Telemetry::subscribe(const std::string& name, const wire::HttpRequest& request) {
  const bool logs_api = request.path.starts_with(kLogsApiPath);
  if (request.method != "PUT") return api_failure(405, "InvalidMethod", "use PUT");
  if (!open_)
    return api_failure(403, logs_api ? "Logs.SubscriptionClosed" : "Telemetry.SubscriptionClosed",
                       "subscriptions are made while the environment starts");
  auto asked = parse_subscription(request.body);
  if (!asked) return api_failure(400, "ValidationError", asked.error());
  const auto before = std::ranges::find_if(subscribers_, [&](const SubscriberPtr& one) {
    return one->name == name && one->logs_api == logs_api;
  });
  auto subscriber = std::make_shared<Subscriber>();
  if (before != subscribers_.end()) {
    (*before)->gone = true;
    subscriber->socket = (*before)->socket;
    subscribers_.erase(before);
  } else if (subscribers_.size() < sockets_) {
    subscriber->socket = subscribers_.size();
  } else {
    return api_failure(403, "Telemetry.TooManySubscriptions", "no more subscriptions are served");
  }
  subscriber->name = name;
  subscriber->logs_api = logs_api;
  subscriber->asked = *std::move(asked);
  json::object told{
      {"name", name},
      {"state", "Subscribed"},
      {"types", json::array(subscriber->asked.types.begin(), subscriber->asked.types.end())}};
  for (const Event& event : backlog_) give(*subscriber, event);
  subscribers_.push_back(subscriber);
  platform(logs_api ? "platform.logsSubscription" : "platform.telemetrySubscription",
           json::serialize(told));
  async::spawn(core_, gate_, serve(subscriber));
  return {
      .status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "\"OK\"", .stream = {}};
}

void Telemetry::close_subscriptions() {
  open_ = false;
  backlog_.clear();
}

void Telemetry::platform(std::string_view type, std::string record) {
  if (wanted()) add({std::string(type), event_json(clock_.now(), type, record)});
}

void Telemetry::line(std::string_view type, std::string_view text) {
  if (!wanted()) return;
  std::string record;
  wire::append_json_string(record, text);
  add({std::string(type), event_json(clock_.now(), type, record)});
}

void Telemetry::add(Event event) {
  for (const SubscriberPtr& one : subscribers_) give(*one, event);
  if (open_ && backlog_.size() < kTelemetryBacklogMax) backlog_.push_back(std::move(event));
  changed_.notify();
}

void Telemetry::give(Subscriber& subscriber, const Event& event) {
  if (!subscriber.asked.types.contains(category_of(event.type))) return;
  if (!is_for(event.type, subscriber.logs_api)) return;
  if (subscriber.bytes + event.json.size() > kTelemetryQueueBytesMax) {
    ++subscriber.dropped;
    subscriber.dropped_bytes += event.json.size();
    return;
  }
  if (subscriber.queue.empty()) subscriber.oldest = core_.now();
  subscriber.bytes += event.json.size();
  subscriber.queue.push_back(event.json);
}

bool Telemetry::due(const Subscriber& one) const {
  if (paused_ || one.queue.empty()) return false;
  return hurried_ || one.queue.size() >= one.asked.items || one.bytes >= one.asked.bytes ||
         core_.now() >= one.oldest + one.asked.wait;
}

void Telemetry::pause(bool standing_still) {
  paused_ = standing_still;
  changed_.notify();
}

void Telemetry::hurry() {
  hurried_ = true;
  changed_.notify();
}

async::Task<void> Telemetry::serve(SubscriberPtr subscriber) {
  base::SteadyTime not_before = base::SteadyTime::min();
  while (!closing_ && !subscriber->gone) {
    const std::uint64_t seen = changed_.version();
    const bool waits = core_.now() < not_before;
    if (due(*subscriber) && !waits) {
      const bool sent = co_await send(subscriber);
      if (!sent) not_before = core_.now() + kRetryAfter;
      continue;
    }
    base::SteadyTime until = base::SteadyTime::max();
    if (!paused_ && !subscriber->queue.empty())
      until = waits ? not_before : subscriber->oldest + subscriber->asked.wait;
    co_await changed_.wait_past(seen, until);
  }
}

// One batch. What was not taken stays at the front.
async::Task<bool> Telemetry::send(SubscriberPtr subscriber) {
  if (const std::uint64_t dropped = std::exchange(subscriber->dropped, 0); dropped > 0) {
    const std::string record = fmt::format(
        R"({{"reason":"Consumer seems to have fallen behind as it has not acknowledged )"
        R"(receipt of logs.","droppedRecords":{},"droppedBytes":{}}})",
        dropped, std::exchange(subscriber->dropped_bytes, 0));
    subscriber->queue.push_back(event_json(clock_.now(), "platform.logsDropped", record));
    subscriber->bytes += subscriber->queue.back().size();
  }
  std::string body = "[";
  std::size_t count = 0;
  for (const std::string& one : subscriber->queue) {
    if (count == subscriber->asked.items) break;
    if (count > 0 && body.size() + one.size() > subscriber->asked.bytes) break;
    if (count++ > 0) body += ',';
    body += one;
  }
  body += ']';
  const bool sent = co_await post_(subscriber->socket, subscriber->asked.port,
                                   subscriber->asked.target, std::move(body));
  if (!sent) co_return false;
  for (std::size_t i = 0; i < count; ++i) {
    subscriber->bytes -= subscriber->queue.front().size();
    subscriber->queue.pop_front();
  }
  subscriber->oldest = core_.now();
  co_return true;
}

async::Task<void> Telemetry::close() {
  closing_ = true;
  changed_.notify();
  co_await gate_.close();
}

}  // namespace functions
