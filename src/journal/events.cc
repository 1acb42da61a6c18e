// Appending and reading events.
#include <algorithm>
#include <map>
#include <span>

#include "journal/journal.h"
#include "journal/keys.h"
#include "journal/row.h"

namespace journal {
namespace {

constexpr std::size_t kIndexEntries = 1000;  // read at once

bool is_within(Position position, const Range& range) {
  return position >= range.from && position < range.to;
}

// The events with their index, as store operations; `stream` as it is after them.
store::Batch batch_of(std::uint64_t group, StreamInfo& stream, base::Timestamp now,
                      std::uint64_t order, const std::vector<NewEvent>& events) {
  store::Batch batch;
  std::vector<std::pair<std::string, std::string>> index;
  const std::uint64_t last_time_before = stream.last_time_ms;
  for (std::span<const NewEvent> left(events); !left.empty();) {
    const auto row = left.first(count_of_row(left));
    left = left.subspan(row.size());
    const Position position{row.front().time_ms, order + 1};
    std::size_t size = 0;
    for (const NewEvent& event : row) size += event.message.size();
    batch.put(keys::event(group, stream.id, position), encode_row(now, row));
    index.emplace_back(keys::index(group, position),
                       encode_index({.stream = stream.id,
                                     .size = static_cast<std::uint32_t>(size),
                                     .count = static_cast<std::uint32_t>(row.size())}));
    order += row.size();
    stream.stored_bytes += size + row.size() * kEventOverhead;
    const std::uint64_t time = position.time_ms;
    const bool first = !stream.had_events();
    stream.first_time_ms = first ? time : std::min(stream.first_time_ms, time);
    stream.last_time_ms = first ? time : std::max(stream.last_time_ms, time);
    stream.last_order = order;
  }
  // Behind each other, not in turns with the events: neighbours are cheap to insert.
  for (auto& [key, value] : index) batch.put(std::move(key), std::move(value));
  stream.last_ingested = now;
  batch.put(keys::stream(group, stream.name), encode_stream(stream));
  if (stream.last_time_ms != last_time_before) {
    batch.erase(keys::recent(group, last_time_before, stream.name));
    batch.put(keys::recent(group, stream.last_time_ms, stream.name), "");
  }
  return batch;
}

}  // namespace

async::Task<base::Result<Appended>> Journal::append(GroupPtr group, std::string stream,
                                                    std::vector<NewEvent> events) {
  return async::run_on(control_,
                       append_here(std::move(group), std::move(stream), std::move(events)));
}

// The lock is not held while the batch syncs, so many appends share one sync.
async::Task<base::Result<Appended>> Journal::append_here(GroupPtr group, std::string stream,
                                                         std::vector<NewEvent> events) {
  const auto submitted = co_await submit_append(group, std::move(stream), std::move(events));
  if (!submitted) co_return std::unexpected(submitted.error());
  const base::Status synced = co_await store_.durable(submitted->sequence);
  if (!synced) co_return std::unexpected(synced.error());
  group->state->tail.notify();
  co_return submitted->appended;
}

async::Task<base::Result<Journal::Submitted>> Journal::submit_append(GroupPtr group,
                                                                     std::string stream,
                                                                     std::vector<NewEvent> events) {
  GroupState& state = *group->state;
  const auto lock = co_await state.changing.lock();
  if (state.removed) co_return base::error(base::ErrorCode::kNotFound, "the log group is gone");
  auto info = co_await load_stream(group->info.id, std::move(stream));
  if (!info) co_return std::unexpected(info.error());
  if (events.empty()) co_return Submitted{store_.applied(), {info->id, info->last_order}};
  const std::uint64_t bytes_before = info->stored_bytes;
  auto batch = batch_of(group->info.id, *info, clock_.now(), state.last_order, events);
  const std::uint64_t order_before = state.last_order;
  state.last_order += events.size();
  state.stored_bytes += info->stored_bytes - bytes_before;
  put_tally(batch, *group);
  const auto sequence = store_.submit(std::move(batch));
  if (!sequence) {
    state.last_order = order_before;
    state.stored_bytes -= info->stored_bytes - bytes_before;
    co_return std::unexpected(sequence.error());
  }
  co_return Submitted{*sequence, {info->id, info->last_order}};
}

Range Journal::visible(const Group& group, Range range) const {
  const std::int64_t oldest = base::to_epoch_ms(group.info.expired_before(clock_.now()));
  if (oldest > 0)
    range.from = std::max(range.from, Position{static_cast<std::uint64_t>(oldest), 0});
  return range;
}

// The key to begin with so that nothing from `from` on is missed: that of the row which begins
// before it and reaches it, else from's own. `key_of` and `count` are of events or of the index.
async::Task<base::Result<std::string>> Journal::row_at(std::function<std::string(Position)> key_of,
                                                       CountIn count, Position from) const {
  std::string key = key_of(from);
  if (from.order == 0) co_return key;
  const auto rows =
      co_await store_.scan(key_of({from.time_ms, 0}), key, {.limit = 1, .reverse = true});
  if (!rows) co_return std::unexpected(rows.error());
  if (rows->empty()) co_return key;
  const auto there = count(rows->front().value);
  if (!there) co_return std::unexpected(there.error());
  const Position row = keys::position_of(rows->front().key);
  co_return row.after(*there) > from ? rows->front().key : std::move(key);
}

async::Task<base::Result<std::vector<Event>>> Journal::read(GroupPtr group, std::uint64_t stream,
                                                            Range range, ReadLimits limits,
                                                            bool from_end) const {
  range = visible(*group, range);
  std::vector<Event> events;
  if (range.from >= range.to) co_return events;
  const std::uint64_t id = group->info.id;
  const auto from = co_await row_at([=](Position at) { return keys::event(id, stream, at); },
                                    count_in_row, range.from);
  if (!from) co_return std::unexpected(from.error());
  auto rows = co_await store_.scan(
      *from, keys::event(id, stream, range.to),
      {.limit = limits.events, .bytes_max = limits.bytes, .reverse = from_end});
  if (!rows) co_return std::unexpected(rows.error());
  events.reserve(rows->size());
  for (store::KeyValue& row : *rows) {
    auto own = decode_row(keys::position_of(row.key), std::move(row.value));
    if (!own) co_return std::unexpected(own.error());
    if (from_end) std::ranges::reverse(*own);
    for (Event& event : *own)
      if (events.size() < limits.events && is_within(event.position, range))
        events.push_back(std::move(event));
  }
  if (from_end) std::ranges::reverse(events);
  const base::Status durable = co_await seen_is_durable();
  if (!durable) co_return std::unexpected(durable.error());
  co_return events;
}

// The next page of `range`, as far as the index entries of it say.
base::Result<Journal::Plan> Journal::plan_page(const std::vector<store::KeyValue>& entries,
                                               const GroupQuery& query, const Range& range,
                                               ReadLimits limits) {
  Plan plan;
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const store::KeyValue& entry : entries) {
    ASSIGN_OR_RETURN(const IndexEntry index, decode_index(entry.value));
    const Position row = keys::position_of(entry.key);
    const Position begin = std::max(row, range.from);
    const Position end = std::min(row.after(index.count), range.to);
    if (begin >= end) continue;
    if (count >= limits.events || bytes >= limits.bytes) {
      plan.next = begin;
      return plan;
    }
    if (!query.stream_ids.empty() &&
        std::ranges::find(query.stream_ids, index.stream) == query.stream_ids.end())
      continue;
    // Of the same millisecond, so orders can be counted.
    const std::uint64_t there = end.order - begin.order;
    const std::uint64_t taken = std::min<std::uint64_t>(there, limits.events - count);
    Stretch& stretch = plan.stretches[index.stream];
    if (stretch.rows++ == 0) {
      stretch.first_row = row;
      stretch.range.from = begin;
    }
    stretch.range.to = begin.after(taken);
    count += taken;
    bytes += index.size + index.count * kEventOverhead;
    if (taken < there) {
      plan.next = stretch.range.to;
      return plan;
    }
  }
  if (entries.size() == kIndexEntries) {
    ASSIGN_OR_RETURN(const IndexEntry last, decode_index(entries.back().value));
    plan.next = keys::position_of(entries.back().key).after(last.count);
  }
  return plan;
}

// A group is read along its index: which streams have events in the next stretch of time. One scan
// for each of these streams brings the stretch's events.
async::Task<base::Result<GroupPage>> Journal::read_group(GroupPtr group, GroupQuery query,
                                                         ReadLimits limits) const {
  GroupPage page;
  const Range range = visible(*group, query.range);
  if (range.from >= range.to) co_return page;
  const std::uint64_t id = group->info.id;
  const auto from = co_await row_at([id](Position at) { return keys::index(id, at); },
                                    count_in_index, range.from);
  if (!from) co_return std::unexpected(from.error());
  const auto entries =
      co_await store_.scan(*from, keys::index(id, range.to), {.limit = kIndexEntries});
  if (!entries) co_return std::unexpected(entries.error());
  const auto plan = plan_page(*entries, query, range, limits);
  if (!plan) co_return std::unexpected(plan.error());
  page.next = plan->next;
  for (const auto& [stream, stretch] : plan->stretches) {
    const base::Status read = co_await collect(group, stream, stretch, query.stream_prefix, page);
    if (!read) co_return std::unexpected(read.error());
  }
  std::ranges::sort(page.events, {}, [](const GroupEvent& event) { return event.event.position; });
  const base::Status durable = co_await seen_is_durable();
  if (!durable) co_return std::unexpected(durable.error());
  co_return page;
}

// `stretch` was counted, so its rows are bounded; there are fewer if some went meanwhile.
async::Task<base::Status> Journal::collect(const GroupPtr& group, std::uint64_t stream,
                                           Stretch stretch, const std::string& prefix,
                                           GroupPage& page) const {
  const auto name = co_await name_of(group->info.id, stream);
  if (!name && name.error().code == base::ErrorCode::kNotFound) co_return base::Status();
  if (!name) co_return std::unexpected(name.error());
  if (!name->starts_with(prefix)) co_return base::Status();
  auto rows = co_await store_.scan(keys::event(group->info.id, stream, stretch.first_row),
                                   keys::event(group->info.id, stream, stretch.range.to),
                                   {.limit = stretch.rows, .bytes_max = SIZE_MAX});
  if (!rows) co_return std::unexpected(rows.error());
  for (store::KeyValue& row : *rows) {
    auto events = decode_row(keys::position_of(row.key), std::move(row.value));
    if (!events) co_return std::unexpected(events.error());
    for (Event& event : *events)
      if (is_within(event.position, stretch.range))
        page.events.push_back({std::move(event), stream, *name});
  }
  co_return base::Status();
}

}  // namespace journal
