// PutLogEvents: the limits of a batch, which of its events are too old or too new, and in it goes.
#include <fmt/format.h>

#include <algorithm>

#include "api/logs/errors.h"
#include "base/log.h"
#include "services/logs/embedded_metrics.h"
#include "services/logs/logs.h"
#include "services/logs/tokens.h"

namespace services::logs {
namespace {

namespace l = api::logs;
using Events = std::vector<l::InputLogEvent>;
using wire::Context;

constexpr std::size_t kBatchBytesMax = 1'048'576;  // each event counts kEventOverhead more
constexpr std::size_t kEventBytesMax = 1'048'576;
constexpr std::chrono::hours kSpanMax{24};
constexpr std::chrono::hours kNewest{2};  // ahead of our clock
constexpr std::chrono::days kOldest{14};

std::optional<api::Error> batch_error(const Events& events) {
  std::size_t total = 0;
  std::int64_t before = 0;
  for (const l::InputLogEvent& event : events) {
    const std::size_t size = event.message->size() + journal::kEventOverhead;
    if (size > kEventBytesMax)
      return l::invalid_parameter(
          fmt::format("Log event too large: {} bytes exceeds limit of {}", size, kEventBytesMax));
    total += size;
    if (*event.timestamp < before)
      return l::invalid_parameter(
          "Log events in a single PutLogEvents request must be in chronological order.");
    before = *event.timestamp;
  }
  if (total > kBatchBytesMax)
    return l::invalid_parameter(
        fmt::format("Upload too large: {} bytes exceeds limit of {}", total, kBatchBytesMax));
  const std::int64_t span = *events.back().timestamp - *events.front().timestamp;
  if (span > std::chrono::milliseconds(kSpanMax).count())
    return l::invalid_parameter(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  return std::nullopt;
}

// Which events are taken: [first, last), and AWS's report of the others.
struct Taken {
  std::size_t first = 0;
  std::size_t last = 0;
  std::optional<l::RejectedLogEventsInfo> rejected;
};

Taken sort_out(const journal::GroupInfo& group, const Events& events, base::Timestamp now) {
  // The first event at or after `time`.
  const auto index_of = [&](base::Timestamp time) {
    const auto at =
        std::ranges::lower_bound(events, base::to_epoch_ms(time), {},
                                 [](const l::InputLogEvent& event) { return *event.timestamp; });
    return static_cast<std::size_t>(at - events.begin());
  };
  const std::size_t old = index_of(now - kOldest);
  const std::size_t expired = index_of(group.expired_before(now));
  const std::size_t fresh = index_of(now + kNewest + base::Milliseconds(1));
  Taken taken{.first = std::max(old, expired), .last = fresh};
  taken.last = std::max(taken.first, taken.last);
  if (old == 0 && expired == 0 && fresh == events.size()) return taken;
  auto& rejected = taken.rejected.emplace();
  if (old > 0) rejected.too_old_log_event_end_index = static_cast<std::int32_t>(old);
  if (expired > 0) rejected.expired_log_event_end_index = static_cast<std::int32_t>(expired);
  if (fresh < events.size())
    rejected.too_new_log_event_start_index = static_cast<std::int32_t>(fresh);
  return taken;
}

// Sequence tokens are taken and ignored, as AWS does since 2023.
Answer<l::PutLogEventsResponse> put_events(const Deps& deps, const Context& context,
                                           l::PutLogEventsRequest input) {
  Events& events = *input.log_events;
  auto wrong = batch_error(events);
  if (wrong) co_return std::unexpected(*std::move(wrong));
  const GroupKey key{context.account_id, context.region, *input.log_group_name};
  const auto group = find_group(deps, key);
  if (!group) co_return std::unexpected(group.error());
  const base::Timestamp now = deps.clock.now();
  const Taken taken = sort_out((*group)->info, events, now);
  std::vector<journal::NewEvent> fresh;
  fresh.reserve(taken.last - taken.first);
  std::vector<metrics::Datum> carried;
  for (std::size_t i = taken.first; i < taken.last; ++i) {
    if (carried.size() < kDataPerRequestMax)
      std::ranges::move(embedded_metrics(key.account_id, key.region, *events[i].message, now),
                        std::back_inserter(carried));
    fresh.push_back({.time_ms = static_cast<std::uint64_t>(*events[i].timestamp),
                     .message = *std::move(events[i].message)});
  }
  const auto appended =
      co_await deps.journal.append(*group, *std::move(input.log_stream_name), std::move(fresh));
  if (!appended) co_return std::unexpected(to_api_error(deps, appended.error(), key));
  if (!carried.empty()) {
    const base::Status kept = co_await deps.metrics.put(std::move(carried));
    // The lines are in, and stay.
    if (!kept)
      base::log_warn("log group {}: its lines' metrics are lost: {}", key.name,
                     kept.error().message);
  }
  l::PutLogEventsResponse output;
  output.next_sequence_token = upload_token(appended->stream_id, appended->last_order);
  output.rejected_log_events_info = taken.rejected;
  co_return output;
}

}  // namespace

void register_put_events(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::PutLogEvents>(on_stream<l::PutLogEventsRequest>("logs:PutLogEvents"),
                                    [&deps](const Context& context, auto input) {
                                      return put_events(deps, context, std::move(input));
                                    });
}

}  // namespace services::logs
