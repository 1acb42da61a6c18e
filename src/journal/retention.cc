// The background's work: erasing what has expired and what was deleted, page by page.
#include <map>

#include "async/timer.h"
#include "base/encoding.h"
#include "base/log.h"
#include "journal/journal.h"
#include "journal/keys.h"
#include "journal/row.h"

namespace journal {
namespace {

constexpr std::size_t kPage = 1000;
constexpr std::chrono::seconds kSweepEvery{60};

bool is_gone(const base::Error& error) { return error.code == base::ErrorCode::kNotFound; }

}  // namespace

async::Task<base::Status> Journal::enforce_retention() {
  const auto groups = groups_.get();
  for (const auto& [key, group] : *groups) {
    if (group->info.retention_days == 0) continue;
    const base::Status trimmed = co_await async::run_on(control_, trim_group(group));
    if (!trimmed) co_return std::unexpected(trimmed.error());
  }
  co_return base::Status();
}

async::Task<base::Status> Journal::trim_group(GroupPtr group) {
  const std::int64_t oldest = base::to_epoch_ms(group->info.expired_before(clock_.now()));
  if (oldest <= 0) co_return base::Status();
  for (bool more = true; more;) {
    const auto page = co_await trim_page(group, {static_cast<std::uint64_t>(oldest), 0});
    if (!page) co_return std::unexpected(page.error());
    more = *page;
  }
  co_return base::Status();
}

// The index is in the order of time, so a page from its beginning is all there is before its end,
// in every stream. Answers whether there may be more.
async::Task<base::Result<bool>> Journal::trim_page(GroupPtr group, Position before) {
  const auto lock = co_await group->state->changing.lock();
  if (group->state->removed) co_return false;
  const std::uint64_t id = group->info.id;
  const std::string start = keys::part(keys::Part::kIndex, id);
  const auto entries = co_await store_.scan(start, keys::index(id, before), {.limit = kPage});
  if (!entries) co_return std::unexpected(entries.error());
  if (entries->empty()) co_return false;
  // Expired is a whole millisecond or nothing of it, so a row goes as a whole.
  const Position end = keys::position_of(entries->back().key).next();
  std::map<std::uint64_t, std::uint64_t> bytes_of;
  for (const store::KeyValue& entry : *entries) {
    const auto index = decode_index(entry.value);
    if (!index) co_return std::unexpected(index.error());
    bytes_of[index->stream] += index->size + index->count * kEventOverhead;
  }
  store::Batch batch;
  batch.erase_range(start, keys::index(id, end));
  std::uint64_t freed = 0;
  for (const auto& [stream, bytes] : bytes_of) {
    batch.erase_range(keys::events(id, stream), keys::event(id, stream, end));
    const auto gone = co_await trim_stream(batch, id, stream, bytes, end);
    if (!gone) co_return std::unexpected(gone.error());
    freed += *gone;
  }
  group->state->stored_bytes -= freed;
  put_tally(batch, *group);
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  co_return entries->size() == kPage;
}

// Answers the bytes that the stream no longer counts; none if it was deleted, which counted them.
async::Task<base::Result<std::uint64_t>> Journal::trim_stream(store::Batch& batch,
                                                              std::uint64_t group,
                                                              std::uint64_t stream,
                                                              std::uint64_t bytes, Position end) {
  const auto name = co_await name_of(group, stream);
  if (!name && is_gone(name.error())) co_return std::uint64_t{0};
  if (!name) co_return std::unexpected(name.error());
  auto info = co_await load_stream(group, *name);
  if (!info) co_return std::unexpected(info.error());
  const auto oldest = co_await store_.scan(keys::event(group, stream, end),
                                           store::prefix_end(keys::events(group, stream)),
                                           {.limit = 1, .bytes_max = 1});
  if (!oldest) co_return std::unexpected(oldest.error());
  if (!oldest->empty()) info->first_time_ms = keys::position_of(oldest->front().key).time_ms;
  info->stored_bytes -= bytes;
  batch.put(keys::stream(group, *name), encode_stream(*info));
  co_return bytes;
}

async::Task<base::Status> Journal::purge_deleted() {
  const auto groups = groups_.get();
  for (const auto& [key, group] : *groups) {
    const base::Status purged = co_await async::run_on(control_, purge_group(group));
    if (!purged) co_return std::unexpected(purged.error());
  }
  co_return base::Status();
}

async::Task<base::Status> Journal::purge_group(GroupPtr group) {
  const std::string from = keys::part(keys::Part::kDoomed, group->info.id);
  for (;;) {
    const auto doomed = co_await store_.scan(from, store::prefix_end(from), {.limit = 1});
    if (!doomed) co_return std::unexpected(doomed.error());
    if (doomed->empty()) co_return base::Status();
    const auto erased =
        co_await purge_page(group, base::read_u64(keys::after_part(doomed->front().key)));
    if (!erased) co_return std::unexpected(erased.error());
  }
}

async::Task<base::Status> Journal::purge_page(GroupPtr group, std::uint64_t stream) {
  const std::uint64_t id = group->info.id;
  const std::string from = keys::events(id, stream);
  const auto events = co_await store_.scan(from, store::prefix_end(from), {.limit = kPage});
  if (!events) co_return std::unexpected(events.error());
  store::Batch batch;
  for (const store::KeyValue& event : *events)
    batch.erase(keys::index(id, keys::position_of(event.key)));
  if (events->empty()) batch.erase(keys::doomed(id, stream));
  else batch.erase_range(from, events->back().key + '\0');
  base::Status saved = co_await store_.commit(std::move(batch));
  co_return saved;
}

// Deleted streams wake it; what expires waits for the next round.
async::Task<void> Journal::sweep() {
  for (std::uint64_t seen = work_.version(); !stop_.stop_requested(); seen = work_.version()) {
    const base::Status purged = co_await purge_deleted();
    if (!purged) base::log_error("deleted log streams: {}", purged.error().to_string());
    const base::Status trimmed = co_await enforce_retention();
    if (!trimmed) base::log_error("log retention: {}", trimmed.error().to_string());
    co_await work_.wait_past(seen, control_.now() + kSweepEvery, stop_.get_token());
  }
}

void Journal::start() { async::spawn(control_, gate_, sweep()); }

async::Task<void> Journal::stop() {
  stop_.request_stop();
  return gate_.close();
}

}  // namespace journal
