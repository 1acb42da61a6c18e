// Appending and reading events.
#include <algorithm>
#include <map>

#include "base/encoding.h"
#include "journal/journal.h"
#include "journal/keys.h"

namespace journal {
namespace {

constexpr std::size_t kIndexEntries = 1000;  // read at once

// What an index entry says.
struct IndexEntry {
  std::uint64_t stream = 0;
  std::uint32_t size = 0;
};
std::string encode_index(std::uint64_t stream, std::size_t size) {
  std::string bytes;
  base::append_u64(bytes, stream);
  base::append_u32(bytes, static_cast<std::uint32_t>(size));
  return bytes;
}
base::Result<IndexEntry> decode_index(std::string_view bytes) {
  if (bytes.size() != 12) return base::error(base::ErrorCode::kCorruption, "a log index entry");
  return IndexEntry{base::read_u64(bytes), base::read_u32(bytes.substr(8))};
}

// The events with their index, as store operations; `stream` as it is after them.
store::Batch batch_of(std::uint64_t group, StreamInfo& stream, base::Timestamp now,
                      std::uint64_t order, const std::vector<NewEvent>& events) {
  store::Batch batch;
  const std::uint64_t last_time_before = stream.last_time_ms;
  for (const NewEvent& event : events) {
    const Position position{event.time_ms, ++order};
    batch.put(keys::event(group, stream.id, position), encode_event(now, event.message));
    batch.put(keys::index(group, position), encode_index(stream.id, event.message.size()));
    stream.stored_bytes += event.message.size() + kEventOverhead;
    const bool first = !stream.had_events();
    stream.first_time_ms = first ? event.time_ms : std::min(stream.first_time_ms, event.time_ms);
    stream.last_time_ms = first ? event.time_ms : std::max(stream.last_time_ms, event.time_ms);
    stream.last_order = order;
  }
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

async::Task<base::Result<std::vector<Event>>> Journal::read(GroupPtr group, std::uint64_t stream,
                                                            Range range, ReadLimits limits,
                                                            bool from_end) const {
  range = visible(*group, range);
  std::vector<Event> events;
  if (range.from >= range.to) co_return events;
  auto entries = co_await store_.scan(
      keys::event(group->info.id, stream, range.from),
      keys::event(group->info.id, stream, range.to),
      {.limit = limits.events, .bytes_max = limits.bytes, .reverse = from_end});
  if (!entries) co_return std::unexpected(entries.error());
  events.reserve(entries->size());
  for (store::KeyValue& entry : *entries) {
    auto event = decode_event(keys::position_of(entry.key), std::move(entry.value));
    if (!event) co_return std::unexpected(event.error());
    events.push_back(*std::move(event));
  }
  if (from_end) std::ranges::reverse(events);
  const base::Status durable = co_await seen_is_durable();
  if (!durable) co_return std::unexpected(durable.error());
  co_return events;
}

// A group is read along its index: which streams have events in the next stretch of time. One scan
// for each of these streams brings the stretch's events.
async::Task<base::Result<GroupPage>> Journal::read_group(GroupPtr group, GroupQuery query,
                                                         ReadLimits limits) const {
  GroupPage page;
  const Range range = visible(*group, query.range);
  if (range.from >= range.to) co_return page;
  const auto entries =
      co_await store_.scan(keys::index(group->info.id, range.from),
                           keys::index(group->info.id, range.to), {.limit = kIndexEntries});
  if (!entries) co_return std::unexpected(entries.error());
  std::map<std::uint64_t, Stretch> stretches;
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::size_t seen = 0;
  for (const store::KeyValue& entry : *entries) {
    if (count >= limits.events || bytes >= limits.bytes) break;
    ++seen;
    const auto index = decode_index(entry.value);
    if (!index) co_return std::unexpected(index.error());
    if (!query.stream_ids.empty() &&
        std::ranges::find(query.stream_ids, index->stream) == query.stream_ids.end())
      continue;
    Stretch& stretch = stretches[index->stream];
    const Position position = keys::position_of(entry.key);
    if (stretch.count++ == 0) stretch.range.from = position;
    stretch.range.to = position.next();
    ++count;
    bytes += index->size + kEventOverhead;
  }
  const bool more = seen < entries->size() || entries->size() == kIndexEntries;
  if (more) page.next = keys::position_of((*entries)[seen - 1].key).next();
  for (const auto& [stream, stretch] : stretches) {
    const base::Status read = co_await collect(group, stream, stretch, query.stream_prefix, page);
    if (!read) co_return std::unexpected(read.error());
  }
  std::ranges::sort(page.events, {}, [](const GroupEvent& event) { return event.event.position; });
  const base::Status durable = co_await seen_is_durable();
  if (!durable) co_return std::unexpected(durable.error());
  co_return page;
}

// `stretch` was counted, so its events are bounded; there are fewer if some went meanwhile.
async::Task<base::Status> Journal::collect(const GroupPtr& group, std::uint64_t stream,
                                           Stretch stretch, const std::string& prefix,
                                           GroupPage& page) const {
  const auto name = co_await name_of(group->info.id, stream);
  if (!name && name.error().code == base::ErrorCode::kNotFound) co_return base::Status();
  if (!name) co_return std::unexpected(name.error());
  if (!name->starts_with(prefix)) co_return base::Status();
  auto entries = co_await store_.scan(keys::event(group->info.id, stream, stretch.range.from),
                                      keys::event(group->info.id, stream, stretch.range.to),
                                      {.limit = stretch.count, .bytes_max = SIZE_MAX});
  if (!entries) co_return std::unexpected(entries.error());
  for (store::KeyValue& entry : *entries) {
    auto event = decode_event(keys::position_of(entry.key), std::move(entry.value));
    if (!event) co_return std::unexpected(event.error());
    page.events.push_back({*std::move(event), stream, *name});
  }
  co_return base::Status();
}

}  // namespace journal
