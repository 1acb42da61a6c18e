#include "functions/event_queue.h"

#include <boost/json.hpp>

#include "api/lambda/errors.h"
#include "async/timer.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_text.h"
#include "store/for_each.h"

namespace functions {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::string_view kPrefix = "functions/event/";
constexpr std::int32_t kRetriesMax = 2;  // unless the function says otherwise
constexpr std::int32_t kAgeMaxSeconds = 21'600;
constexpr std::chrono::milliseconds kThrottledWait = 1s;
constexpr std::chrono::milliseconds kDeliveryWait = 2s;  // twice as long each time

std::string store_key(std::uint64_t id) {
  std::string key(kPrefix);
  base::append_u64(key, id);
  return key;
}

// After the first failure one minute, after the second two.
std::chrono::milliseconds wait_after(int attempts) { return attempts <= 1 ? 1min : 2min; }

}  // namespace

// As it is stored (docs/formats/functions.md).
struct EventQueue::Event {
  Invocation invocation;
  int attempts = 0;
  base::Timestamp accepted;
  base::Timestamp due;
  // Set once the invocation is over and its record is on its way.
  std::string destination;
  std::string document;
  int deliveries = 0;

  std::string encode() const {
    json::object out = plain();
    if (!destination.empty()) {
      out["destination"] = destination;
      out["document"] = document;
      out["deliveries"] = deliveries;
    }
    return json::serialize(out);
  }
  json::object plain() const {
    return {{"format", 1},
            {"account", invocation.key.account_id},
            {"region", invocation.key.region},
            {"name", invocation.key.name},
            {"qualifier", invocation.qualifier},
            {"request_id", invocation.request_id},
            {"client_context", invocation.client_context},
            {"payload", invocation.payload},
            {"attempts", attempts},
            {"accepted", base::to_epoch_ms(accepted)},
            {"due", base::to_epoch_ms(due)}};
  }
  static base::Result<Event> decode(std::string_view bytes) {
    try {
      const json::value document = json::parse(bytes);
      const json::object& from = document.as_object();
      const auto text = [&](std::string_view key) { return std::string(from.at(key).as_string()); };
      Event event;
      event.invocation.key = {text("account"), text("region"), text("name")};
      event.invocation.qualifier = text("qualifier");
      event.invocation.request_id = text("request_id");
      event.invocation.client_context = text("client_context");
      event.invocation.payload = text("payload");
      event.attempts = from.at("attempts").to_number<int>();
      event.accepted = base::from_epoch_ms(from.at("accepted").to_number<std::int64_t>());
      event.due = base::from_epoch_ms(from.at("due").to_number<std::int64_t>());
      if (!from.contains("destination")) return event;
      event.destination = text("destination");
      event.document = text("document");
      event.deliveries = from.at("deliveries").to_number<int>();
      return event;
    } catch (const std::exception& failure) {
      return base::error(base::ErrorCode::kCorruption,
                         std::string("a stored event: ") + failure.what());
    }
  }
};

// What is to become of an event after an attempt. Neither again nor a condition: it is dropped.
struct EventQueue::Verdict {
  bool again = false;
  base::Timestamp due;
  std::string_view condition;  // AWS's word for how it ended
  std::string destination;
  std::string document;
};

namespace {

// JSON as it is; whatever else a function may have answered, as a string.
std::string as_json(const std::string& text) {
  boost::system::error_code failure;
  const json::value parsed = json::parse(text, failure);
  return failure ? json::serialize(json::value(text)) : text;
}

struct EndFacts {
  const Invocation& invocation;
  base::Timestamp now;
  std::string_view condition;
  int invocations = 0;
  const InvocationResult* result = nullptr;  // of the last attempt, if it came to one
};

// AWS's record of an asynchronous invocation, for its destination.
std::string make_document(const EndFacts& facts) {
  const Invocation& asked = facts.invocation;
  const std::string qualifier = asked.qualifier.empty() ? std::string(kLatest) : asked.qualifier;
  const json::object context{{"requestId", asked.request_id},
                             {"functionArn", asked.key.arn() + ':' + qualifier},
                             {"condition", facts.condition},
                             {"approximateInvokeCount", facts.invocations}};
  std::string out = R"({"version":"1.0","timestamp":")" + base::iso8601_ms(facts.now) +
                    R"(","requestContext":)" + json::serialize(context) + R"(,"requestPayload":)" +
                    as_json(asked.payload.empty() ? "{}" : asked.payload);
  if (facts.result != nullptr) {
    json::object response{{"statusCode", 200}, {"executedVersion", facts.result->version}};
    if (!facts.result->function_error.empty())
      response["functionError"] = facts.result->function_error;
    out += R"(,"responseContext":)" + json::serialize(response) + R"(,"responsePayload":)" +
           as_json(facts.result->payload);
  }
  return out + '}';
}

}  // namespace

EventQueue::EventQueue(Deps deps)
    : store_(deps.store),
      control_(deps.control),
      catalogue_(deps.catalogue),
      invoker_(deps.invoker),
      destinations_(deps.destinations),
      clock_(deps.clock),
      random_(deps.random) {}

async::Task<base::Status> EventQueue::open() {
  return store::for_each(
      store_, std::string(kPrefix), [this](const store::KeyValue& entry) -> base::Status {
        ASSIGN_OR_RETURN(const Event event, Event::decode(entry.value));
        const std::uint64_t id = base::read_u64(entry.key.substr(kPrefix.size()));
        waiting_.emplace(id, event.due);
        ++held_;
        next_id_ = std::max(next_id_, id + 1);
        return {};
      });
}

void EventQueue::start() { async::spawn(control_, gate_, dispatch()); }

async::Task<void> EventQueue::stop() {
  co_await async::on(control_);
  stop_.request_stop();
  changed_.notify();
  co_await gate_.close();
}

async::Task<api::Outcome<std::string>> EventQueue::add(Invocation invocation) {
  return async::run_on(control_, add_here(std::move(invocation)));
}

async::Task<api::Outcome<std::string>> EventQueue::add_here(Invocation invocation) {
  if (invocation.payload.size() > kEventPayloadBytesMax)
    co_return std::unexpected(api::lambda::request_too_large(
        std::to_string(invocation.payload.size()) + " byte payload is too large for the Event " +
        "invocation type (limit " + std::to_string(kEventPayloadBytesMax) + " bytes)"));
  if (held_ >= kEventsMax)
    co_return std::unexpected(api::lambda::too_many_requests("Rate Exceeded."));
  if (invocation.request_id.empty()) invocation.request_id = base::uuid(random_);
  const std::string request_id = invocation.request_id;
  const base::Timestamp now = clock_.now();
  const Event event{
      .invocation = std::move(invocation), .attempts = 0, .accepted = now, .due = now};
  const std::uint64_t id = next_id_++;
  ++held_;
  store::Batch batch;
  batch.put(store_key(id), event.encode());
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) {
    --held_;
    base::log_error("functions: {}", saved.error().to_string());
    co_return std::unexpected(api::internal_failure());
  }
  waiting_.emplace(id, now);
  changed_.notify();
  co_return request_id;
}

// Starts what is due, in order, as long as there is room.
async::Task<void> EventQueue::dispatch() {
  const std::stop_token stop = stop_.get_token();
  while (!stop.stop_requested()) {
    const std::uint64_t seen = changed_.version();
    const base::Timestamp now = clock_.now();
    base::Timestamp next = base::Timestamp::max();
    std::vector<std::uint64_t> due;
    for (const auto& [id, when] : waiting_) {
      if (running_ + due.size() >= kEventsRunningMax) break;
      if (when <= now) due.push_back(id);
      else next = std::min(next, when);
    }
    for (const std::uint64_t id : due) {
      waiting_.erase(id);
      ++running_;
      async::spawn(control_, gate_, run(id));
    }
    const base::SteadyTime deadline =
        next == base::Timestamp::max() ? base::SteadyTime::max() : control_.now() + (next - now);
    co_await changed_.wait_past(seen, deadline, stop);
  }
}

async::Task<void> EventQueue::run(std::uint64_t id) {
  const bool gone = co_await attempt(id);
  --running_;
  if (gone) --held_;
  changed_.notify();
}

// True: nothing of the event is left. False: it waits again.
async::Task<bool> EventQueue::attempt(std::uint64_t id) {
  const auto stored = co_await store_.get(store_key(id));
  if (!stored || !*stored) co_return true;
  auto event = Event::decode(**stored);
  if (!event) {
    base::log_error("functions: {}", event.error().to_string());
    co_return true;
  }
  if (!event->destination.empty()) {
    const bool delivered = co_await deliver(id, *std::move(event));
    co_return delivered;
  }
  const auto age_max =
      std::chrono::seconds(config_of(event->invocation).age_max_s.value_or(kAgeMaxSeconds));
  std::optional<api::Outcome<InvocationResult>> result;
  if (clock_.now() - event->accepted < age_max) {
    auto answered = co_await invoker_.invoke(event->invocation);
    if (stop_.stop_requested()) co_return false;  // the next run of the server tries again
    result = std::move(answered);
  }
  Verdict verdict = judge(*event, result);
  if (result && *result && !(*result)->function_error.empty()) ++event->attempts;
  const bool gone = co_await finish(id, *std::move(event), std::move(verdict));
  co_return gone;
}

EventConfig EventQueue::config_of(const Invocation& invocation) const {
  const FunctionPtr function = catalogue_.find(invocation.key);
  if (function == nullptr) return {};
  const auto found = function->event_configs.find(
      invocation.qualifier.empty() ? std::string(kLatest) : invocation.qualifier);
  return found == function->event_configs.end() ? EventConfig{} : found->second;
}

// `result`: nullopt if the event was too old for another attempt.
EventQueue::Verdict EventQueue::judge(const Event& event,
                                      const std::optional<api::Outcome<InvocationResult>>& result) {
  const EventConfig config = config_of(event.invocation);
  const base::Timestamp now = clock_.now();
  const base::Timestamp old_at =
      event.accepted + std::chrono::seconds(config.age_max_s.value_or(kAgeMaxSeconds));
  Verdict verdict;
  int invocations = event.attempts;
  const InvocationResult* answer = nullptr;
  if (!result) {
    verdict.condition = "EventAgeExceeded";
  } else if (*result) {
    answer = &**result;
    ++invocations;
    const bool failed = !answer->function_error.empty();
    if (failed && invocations <= config.retries_max.value_or(kRetriesMax))
      return {.again = true, .due = std::min(now + wait_after(invocations), old_at)};
    verdict.condition = failed ? "RetriesExhausted" : "Success";
  } else {
    const FunctionPtr function = catalogue_.find(event.invocation.key);
    const bool shut = function != nullptr && function->reserved_concurrency == 0;
    const bool throttled = result->error().status == 429 || result->error().status >= 500;
    if (throttled && !shut) return {.again = true, .due = std::min(now + kThrottledWait, old_at)};
    if (!throttled) return verdict;  // the function or its version is gone
    verdict.condition = "ZeroReservedConcurrency";
  }
  verdict.destination = verdict.condition == "Success" ? config.on_success : config.on_failure;
  if (!verdict.destination.empty())
    verdict.document = make_document({.invocation = event.invocation,
                                      .now = now,
                                      .condition = verdict.condition,
                                      .invocations = invocations,
                                      .result = answer});
  return verdict;
}

async::Task<bool> EventQueue::finish(std::uint64_t id, Event event, Verdict verdict) {
  if (verdict.again) {
    event.due = verdict.due;
    co_await save(id, &event);
    waiting_.emplace(id, event.due);
    co_return false;
  }
  if (verdict.destination.empty()) {
    co_await save(id, nullptr);
    co_return true;
  }
  event.destination = std::move(verdict.destination);
  event.document = std::move(verdict.document);
  event.invocation.payload.clear();  // stands in the document
  co_await save(id, &event);
  const bool delivered = co_await deliver(id, std::move(event));
  co_return delivered;
}

async::Task<bool> EventQueue::deliver(std::uint64_t id, Event event) {
  const Invocation& invocation = event.invocation;
  const FunctionPtr function = catalogue_.find(invocation.key);
  const Version* const version =
      function == nullptr ? nullptr : function->resolve(invocation.qualifier);
  if (version == nullptr) {
    co_await save(id, nullptr);  // nobody's role to deliver it with
    co_return true;
  }
  const base::Status delivered =
      co_await destinations_.deliver(InvocationNote{.function_name = invocation.key.name,
                                                    .region = invocation.key.region,
                                                    .role_arn = version->role,
                                                    .destination_arn = event.destination,
                                                    .document = event.document});
  if (!delivered && stop_.stop_requested()) co_return false;
  if (!delivered && ++event.deliveries < kDeliveriesMax) {
    event.due = clock_.now() + kDeliveryWait * (1U << static_cast<unsigned>(event.deliveries));
    co_await save(id, &event);
    waiting_.emplace(id, event.due);
    co_return false;
  }
  if (!delivered)
    base::log_warn("functions: a record of {} is lost, {} does not take it: {}",
                   invocation.key.name, event.destination, delivered.error().message);
  co_await save(id, nullptr);
  co_return true;
}

// nullptr: nothing of it is left.
async::Task<void> EventQueue::save(std::uint64_t id, const Event* event) {
  store::Batch batch;
  if (event != nullptr) batch.put(store_key(id), event->encode());
  else batch.erase(store_key(id));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) base::log_error("functions: {}", saved.error().to_string());
}

}  // namespace functions
