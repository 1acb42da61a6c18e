#include "mapping/gatherer.h"

#include <algorithm>

namespace mapping {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleWait = 60s;  // then the source is asked again, whatever it said
// Records get their time of arrival shortly before they can be read.
constexpr auto kLate = 200ms;
constexpr std::size_t kReadRecords = 1'000;  // at a time, where not all of them will be taken

}  // namespace

struct Gatherer::Draft {
  Gathered batch;
  EventFrame frame;
  std::size_t bytes = 0;
  std::optional<base::Timestamp> window;  // the tumbling window that is open
  std::optional<base::SteadyTime> until;  // the batching window's end, once there is a record
};

async::Task<std::optional<Gathered>> Gatherer::gather(std::stop_token stop) {
  Draft draft;
  draft.frame = state_.frame();
  draft.batch.next = state_.checkpoint.lanes[lane_];
  draft.bytes = kPayloadFrameBytes;
  if (state_.checkpoint.window) {
    draft.window = state_.checkpoint.window->start;
    draft.bytes += state_.checkpoint.window->state.size();
  }
  int failures = 0;
  while (!stop.stop_requested()) {
    const std::size_t limit = read_limit(draft);
    auto page = co_await state_.read(draft.batch.next, limit);
    if (!page) {
      if (!draft.batch.records.empty()) co_return std::move(draft.batch);
      state_.progress.last_result = "PROBLEM: " + page.error().message;
      const bool go_on = co_await state_.pause(failures++, stop);
      if (!go_on) break;
      continue;
    }
    failures = 0;
    const bool all = take(**page, draft);
    if (!all) co_return std::move(draft.batch);
    if ((*page)->finished) {
      draft.batch.finished = true;
      draft.batch.window_ends = draft.window.has_value();
      co_return std::move(draft.batch);
    }
    const bool have = !draft.batch.records.empty();
    if (!have) state_.skipped(lane_, draft.batch.next);
    const std::size_t count = (*page)->records.size();
    const bool at_once = have && state_.config.window_seconds == 0 && count < limit;
    if (at_once) co_return std::move(draft.batch);
    if (count > 0) {
      co_await async::yield();
      continue;
    }
    const auto deadline = tip_deadline(draft);
    if (!deadline) co_return std::move(draft.batch);
    co_await state_.source.wait(state_.shard, draft.batch.next, *deadline, stop);
  }
  co_return std::nullopt;
}

// Only a lane that gets every record reads no more than it needs.
std::size_t Gatherer::read_limit(const Draft& draft) const {
  const auto wanted =
      static_cast<std::size_t>(state_.config.batch_size) - draft.batch.records.size();
  const bool all = state_.filter.empty() && state_.checkpoint.lanes.size() == 1;
  return all ? wanted : std::max(wanted, kReadRecords);
}

// Takes the lane's records of the page. False: the batch is full, or its window has ended.
bool Gatherer::take(SourcePage& page, Draft& draft) {
  EventCounts seen;
  const bool all = take_counted(page, draft, seen);
  state_.progress.filtered += seen.filtered_out;
  state_.count(seen);
  return all;
}

bool Gatherer::take_counted(SourcePage& page, Draft& draft, EventCounts& seen) {
  const bool sole = state_.checkpoint.lanes.size() == 1;
  for (SourceRecord& record : page.records) {
    if (record.position < draft.batch.next) continue;
    if (state_.checkpoint.wants(lane_, record.position, record.partition_key)) {
      if (state_.filter.passes(draft.frame, record)) {
        if (!fits(record, draft)) return false;
        ++seen.polled;
        draft.batch.next = record.position + 1;
        if (sole) draft.batch.records.push_back(std::move(record));
        else draft.batch.records.push_back(record);
        continue;
      }
      ++seen.polled;
      ++seen.filtered_out;
    }
    draft.batch.next = record.position + 1;
  }
  return draft.batch.records.size() < static_cast<std::size_t>(state_.config.batch_size);
}

bool Gatherer::fits(const SourceRecord& record, Draft& draft) const {
  const bool first = draft.batch.records.empty();
  if (draft.batch.records.size() >= static_cast<std::size_t>(state_.config.batch_size))
    return false;
  const std::size_t bytes = draft.bytes + event_bytes(draft.frame, record);
  if (bytes > kPayloadBytesMax && !first) return false;
  if (state_.config.tumbling_seconds > 0) {
    const base::Timestamp window = state_.window_of(record.arrival);
    if (draft.window && window > *draft.window) {
      draft.batch.window_ends = true;
      return false;
    }
    if (!draft.window) draft.window = window;
    draft.batch.window = *draft.window;
  }
  draft.bytes = bytes;
  if (first)
    draft.until =
        async::Core::current()->now() + std::chrono::seconds(state_.config.window_seconds);
  return true;
}

// Nothing more is there: how long to wait for it; nullopt: no longer.
std::optional<base::SteadyTime> Gatherer::tip_deadline(Draft& draft) const {
  const base::SteadyTime now = async::Core::current()->now();
  base::SteadyTime deadline = now + kIdleWait;
  if (draft.until) {
    if (now >= *draft.until) return std::nullopt;
    deadline = std::min(deadline, *draft.until);
  }
  if (draft.window) {
    const auto left = state_.window_end(*draft.window) + kLate - state_.deps.clock.now();
    if (left <= left.zero()) {
      draft.batch.window_ends = true;
      return std::nullopt;
    }
    deadline = std::min(deadline, now + left);
  }
  return deadline;
}

}  // namespace mapping
