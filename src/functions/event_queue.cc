#include "functions/event_queue.h"

#include <boost/json.hpp>

#include "api/lambda/errors.h"
#include "async/timer.h"
#include "base/encoding.h"
#include "base/log.h"
#include "store/for_each.h"

namespace functions {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::string_view kPrefix = "functions/event/";
constexpr int kAttemptsMax = 3;
constexpr std::chrono::milliseconds kAgeMax = 6h;
constexpr std::chrono::milliseconds kThrottledWait = 1s;

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

  std::string encode() const {
    return json::serialize(json::object{{"format", 1},
                                        {"account", invocation.key.account_id},
                                        {"region", invocation.key.region},
                                        {"name", invocation.key.name},
                                        {"qualifier", invocation.qualifier},
                                        {"request_id", invocation.request_id},
                                        {"client_context", invocation.client_context},
                                        {"payload", invocation.payload},
                                        {"attempts", attempts},
                                        {"accepted", base::to_epoch_ms(accepted)},
                                        {"due", base::to_epoch_ms(due)}});
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
      return event;
    } catch (const std::exception& failure) {
      return base::error(base::ErrorCode::kCorruption,
                         std::string("a stored event: ") + failure.what());
    }
  }
};

EventQueue::EventQueue(store::Store& store, async::Core& control, Invoker& invoker,
                       const base::Clock& clock, base::Random& random)
    : store_(store), control_(control), invoker_(invoker), clock_(clock), random_(random) {}

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
  const auto result = co_await invoker_.invoke(event->invocation);
  if (stop_.stop_requested()) co_return false;  // the next run of the server tries again
  const bool throttled = !result && (result.error().status == 429 || result.error().status >= 500);
  const bool failed = result && !result->function_error.empty();
  if (failed) ++event->attempts;
  const base::Timestamp now = clock_.now();
  const bool again =
      (throttled || failed) && event->attempts < kAttemptsMax && now - event->accepted < kAgeMax;
  event->due = now + (throttled ? kThrottledWait : wait_after(event->attempts));
  store::Batch batch;
  if (again) batch.put(store_key(id), event->encode());
  else batch.erase(store_key(id));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) base::log_error("functions: {}", saved.error().to_string());
  if (again) waiting_.emplace(id, event->due);
  co_return !again;
}

}  // namespace functions
