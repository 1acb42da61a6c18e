// SubscribeToShard: records pushed to a consumer as they are committed.
#include <fmt/format.h>

#include <algorithm>

#include "api/kinesis/errors.h"
#include "async/timer.h"
#include "services/kinesis/kinesis.h"
#include "services/kinesis/render.h"
#include "services/kinesis/start.h"
#include "services/kinesis/subscriptions.h"
#include "wire/event_writer.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using async::Task;
using streamlog::Position;
using wire::Context;

constexpr std::chrono::minutes kLife{5};
constexpr std::chrono::seconds kHeartbeat{5};  // between events at the most
// Of one event; a larger record has one of its own. All that a subscription holds in memory.
constexpr std::size_t kEventRecordsMax = 10'000;
constexpr std::size_t kEventBytesMax = 256 * 1024;

// Whom a subscription is for, as it was when it began.
struct Target {
  StreamKey stream;
  std::string stream_id;
  std::string consumer;  // its name
  std::string consumer_arn;
  streamlog::ShardInfo info;
  std::shared_ptr<streamlog::Shard> shard;
};

api::Error no_consumer(const StreamKey& stream, std::string_view consumer) {
  return k::resource_not_found(fmt::format("Consumer {} not found for stream {} under account {}.",
                                           consumer, stream.name, stream.account_id));
}

api::Error in_use(const Target& target) {
  return k::resource_in_use(
      fmt::format("Another active subscription exists for this consumer: {}:{}:{}:{}",
                  target.stream.account_id, target.stream.name, target.info.id(), target.consumer));
}

api::Error too_often(const Target& target) {
  return k::limit_exceeded(
      fmt::format("Rate exceeded for consumer {} and shard {} in stream {} under account {}.",
                  target.consumer, target.info.id(), target.stream.name, target.stream.account_id));
}

bool has_consumer(const streamlog::StreamInfo& stream, const std::string& arn) {
  return std::ranges::any_of(stream.consumers, [&](const streamlog::ConsumerInfo& consumer) {
    return consumer_arn(stream.key, consumer) == arn;
  });
}

struct Found {
  StreamPtr stream;
  Target target;
};

api::Outcome<Found> find_target(const Deps& deps, const k::SubscribeToShardInput& input) {
  const auto named = parse_consumer_arn(*input.consumer_arn);
  if (!named)
    return std::unexpected(
        k::invalid_argument("ConsumerARN " + *input.consumer_arn + " is not valid."));
  const auto stream = find_stream(deps, named->stream);
  if (!stream) return std::unexpected(stream.error());
  if (!has_consumer((*stream)->info, *input.consumer_arn))
    return std::unexpected(no_consumer(named->stream, named->consumer));
  const auto index = streamlog::parse_shard_id(*input.shard_id);
  const auto* const info = index ? (*stream)->info.find_shard(*index) : nullptr;
  if (info == nullptr)
    return std::unexpected(k::resource_not_found(
        fmt::format("Could not find shard {} in stream {} under account {}.", *input.shard_id,
                    named->stream.name, named->stream.account_id)));
  return Found{.stream = *stream,
               .target = {.stream = named->stream,
                          .stream_id = (*stream)->info.id,
                          .consumer = named->consumer,
                          .consumer_arn = *input.consumer_arn,
                          .info = *info,
                          .shard = (*stream)->shard(*index)}};
}

// One subscriber and its place in the shard. Lives on its connection's core; ends its lease when it
// dies.
class Subscription {
 public:
  Subscription(const Deps& deps, Target target, std::unique_ptr<Subscriptions::Lease> lease,
               Position from, wire::EventFormat format, base::SteadyTime now)
      : deps_(deps),
        target_(std::move(target)),
        lease_(std::move(lease)),
        next_(std::max(from, target_.shard->first())),
        format_(format),
        ends_(now + kLife),
        last_event_(now) {}

  base::SteadyTime ends() const { return ends_; }
  Task<void> push(wire::BodyWriter& body);

 private:
  struct Page {
    std::vector<streamlog::Record> records;
    bool finished = false;  // the shard is closed and there is nothing after this
    bool encrypted = false;
    std::vector<k::ChildShard> children;
  };

  // Why there are no more events, of what the subscriber is to know.
  std::optional<api::Error> broken_off(const StreamPtr& stream) const;
  Task<base::Result<Page>> read(StreamPtr stream) const;
  k::SubscribeToShardEvent event_of(Page page);
  void count(const Page& page, base::SteadyTime now);

  const Deps& deps_;
  const Target target_;
  const std::unique_ptr<Subscriptions::Lease> lease_;
  Position next_;
  const wire::EventFormat format_;
  const base::SteadyTime ends_;
  base::SteadyTime last_event_;
  base::SteadyTime rested_{};  // until then the consumer has had its share of the shard
};

std::optional<api::Error> Subscription::broken_off(const StreamPtr& stream) const {
  auto why = lease_->why();
  if (why) return why;
  if (!stream || stream->info.id != target_.stream_id) return stream_not_found(target_.stream);
  if (!has_consumer(stream->info, target_.consumer_arn))
    return no_consumer(target_.stream, target_.consumer);
  return std::nullopt;
}

// `stream` was looked up before: what it says of the shard's end holds for what is read here.
Task<base::Result<Subscription::Page>> Subscription::read(StreamPtr stream) const {
  const streamlog::ShardInfo* const info = stream->info.find_shard(target_.info.index);
  Page page{.records = {}, .encrypted = !stream->info.encryption_key.empty(), .children = {}};
  auto records = co_await target_.shard->read(next_, kEventRecordsMax, kEventBytesMax);
  if (!records) co_return std::unexpected(records.error());
  page.records = *std::move(records);
  const Position next = page.records.empty() ? std::max(next_, target_.shard->first())
                                             : page.records.back().position + 1;
  // A shard that is not there any more has expired, after its last record.
  page.finished = info == nullptr || (!info->is_open() && next > *info->last);
  if (page.finished) page.children = render_children(stream->info, target_.info.index);
  co_return page;
}

k::SubscribeToShardEvent Subscription::event_of(Page page) {
  const base::Timestamp now = deps_.clock.now();
  base::Timestamp arrival = now;
  k::SubscribeToShardEvent event;
  event.millis_behind_latest = 0;
  next_ = std::max(next_, target_.shard->first());
  if (!page.records.empty()) {
    next_ = page.records.back().position + 1;
    arrival = page.records.back().arrival;
    if (next_ < target_.shard->end())
      event.millis_behind_latest = std::max<std::int64_t>(0, (now - arrival).count());
  }
  // At the end there is nowhere to go on, and clients know the end by that.
  if (page.finished) event.child_shards = std::move(page.children);
  else event.continuation_sequence_number = target_.info.number(next_ - 1, arrival).to_string();
  event.records = render_records(std::move(page.records), target_.info, page.encrypted);
  return event;
}

void Subscription::count(const Page& page, base::SteadyTime now) {
  last_event_ = now;
  if (deps_.fan_out_bytes_per_second == 0) return;
  const std::uint64_t bytes = bytes_of(page.records);
  rested_ = std::max(rested_, now) +
            std::chrono::nanoseconds(bytes * 1'000'000'000 / deps_.fan_out_bytes_per_second);
}

Task<void> Subscription::push(wire::BodyWriter& body) {
  async::Core& core = *async::Core::current();
  wire::EventWriter events(body, k::kSubscribeToShardEventStreamShape, format_);
  const std::stop_callback gone(body.stop_token(), [this] { lease_->stop(); });
  const std::stop_token stop = lease_->stop_token();
  for (;;) {
    // Nothing is read for a client that has not taken what there was.
    const bool taken = co_await events.drained();
    if (!taken) co_return;
    const auto seen = target_.shard->tail().version();
    const StreamPtr stream = deps_.streams.find(target_.stream);
    // First whether it was ended, then why: the reason is there before the end is.
    const bool stopped = stop.stop_requested();
    const auto problem = broken_off(stream);
    if (problem) {
      co_await events.fail(*problem);
      co_return;
    }
    if (stopped || core.now() >= ends_) co_return;
    if (core.now() < rested_) {
      co_await async::sleep_until(std::min(rested_, ends_), stop);
      continue;
    }
    auto page = co_await read(stream);
    if (!page) {
      co_await events.fail(k::internal_failure("The shard could not be read."));
      co_return;
    }
    const bool due = core.now() - last_event_ >= kHeartbeat;
    if (!page->records.empty() || page->finished || due) {
      const bool finished = page->finished;
      count(*page, core.now());
      Figures::Read read{.shard = target_.info.index,
                         .records = page->records.size(),
                         .bytes = bytes_of(page->records)};
      k::SubscribeToShardEvent event = event_of(*std::move(page));
      read.age_ms = *event.millis_behind_latest;
      deps_.figures().pushed(stream->info, target_.consumer, read);
      auto sending = events.send("SubscribeToShardEvent", std::move(event));
      const bool sent = co_await std::move(sending);
      if (!sent || finished) co_return;
      continue;
    }
    co_await target_.shard->tail().wait_past(seen, std::min(last_event_ + kHeartbeat, ends_), stop);
  }
}

using Answered = wire::Streamed<k::SubscribeToShardOutput>;

Answer<Answered> subscribe(const Deps& deps, const Context& context,
                           k::SubscribeToShardInput input) {
  auto found = find_target(deps, input);
  if (!found) co_return std::unexpected(found.error());
  Target& target = found->target;
  SubscriptionKey key{.consumer_arn = target.consumer_arn, .shard = target.info.index};
  switch (deps.subscriptions->admit(key, async::Core::current()->now())) {
    case Subscriptions::Admission::kAdmitted: break;
    case Subscriptions::Admission::kInUse: co_return std::unexpected(in_use(target));
    case Subscriptions::Admission::kTooOften:
      deps.figures().subscribed(target.stream, target.consumer, Figures::Ending::kThrottled);
      co_return std::unexpected(too_often(target));
  }
  const k::StartingPosition& start = *input.starting_position;
  const auto from = co_await start_position(deps,
                                            {.operation = "SubscribeToShard",
                                             .type = *start.type,
                                             .number = start.sequence_number,
                                             .timestamp = start.timestamp},
                                            found->stream, target.info);
  if (!from) co_return std::unexpected(from.error());
  if (input.dry_run.value_or(false)) co_return std::unexpected(dry_run());
  const base::SteadyTime now = async::Core::current()->now();
  auto lease = deps.subscriptions->open(std::move(key), now, in_use(target));
  if (lease == nullptr) co_return std::unexpected(in_use(target));
  deps.figures().subscribed(target.stream, target.consumer, Figures::Ending::kSuccess);
  auto subscription = std::make_unique<Subscription>(deps, std::move(target), std::move(lease),
                                                     *from, context.event_format, now);
  const base::SteadyTime ends = subscription->ends();
  co_return Answered{.head = {},
                     .body = [subscription = std::move(subscription)](
                                 wire::BodyWriter& body) { return subscription->push(body); },
                     .patient_until = ends};
}

api::Outcome<wire::Checks> checks(const Deps& deps, const k::SubscribeToShardInput& input) {
  const auto named = parse_consumer_arn(*input.consumer_arn);
  if (!named)
    return std::unexpected(
        k::invalid_argument("ConsumerARN " + *input.consumer_arn + " is not valid."));
  return wire::Checks{
      consumer_check(deps, "kinesis:SubscribeToShard", *named, *input.consumer_arn)};
}

}  // namespace

void register_subscribe(wire::Registry& registry, const Deps& deps) {
  registry.add_streamed<k::op::SubscribeToShard>(
      [&deps](const Context&, const k::SubscribeToShardInput& input) {
        return checks(deps, input);
      },
      [&deps](const Context& context, auto input) {
        return subscribe(deps, context, std::move(input));
      });
}

}  // namespace services::kinesis
