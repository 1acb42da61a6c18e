// Streams of a group. Nothing of them is held in memory.
#include "base/encoding.h"
#include "journal/journal.h"
#include "journal/keys.h"

namespace journal {
namespace {

auto no_stream(const std::string& name) {
  return base::error(base::ErrorCode::kNotFound, "no log stream " + name);
}
auto group_gone() { return base::error(base::ErrorCode::kNotFound, "the log group is gone"); }

}  // namespace

async::Task<base::Result<StreamInfo>> Journal::load_stream(std::uint64_t group,
                                                           std::string name) const {
  const auto bytes = co_await store_.get(keys::stream(group, name));
  if (!bytes) co_return std::unexpected(bytes.error());
  if (!bytes->has_value()) co_return no_stream(name);
  co_return decode_stream(std::move(name), **bytes);
}

async::Task<base::Result<std::string>> Journal::name_of(std::uint64_t group,
                                                        std::uint64_t stream) const {
  auto name = co_await store_.get(keys::name(group, stream));
  if (!name) co_return std::unexpected(name.error());
  if (!name->has_value()) co_return no_stream("with that id");
  co_return **std::move(name);
}

async::Task<base::Result<StreamInfo>> Journal::find_stream(GroupPtr group, std::string name) const {
  auto stream = co_await load_stream(group->info.id, std::move(name));
  if (!stream) co_return std::unexpected(stream.error());
  const base::Status durable = co_await seen_is_durable();
  if (!durable) co_return std::unexpected(durable.error());
  co_return stream;
}

async::Task<base::Status> Journal::create_stream(GroupPtr group, std::string name) {
  return async::run_on(control_, create_stream_here(std::move(group), std::move(name)));
}

async::Task<base::Status> Journal::create_stream_here(GroupPtr group, std::string name) {
  const auto lock = co_await group->state->changing.lock();
  if (group->state->removed) co_return group_gone();
  const std::uint64_t id = group->info.id;
  const auto there = co_await store_.get(keys::stream(id, name));
  if (!there) co_return std::unexpected(there.error());
  if (there->has_value())
    co_return base::error(base::ErrorCode::kAlreadyExists, "log stream " + name);
  store::Batch batch;
  const StreamInfo stream{.id = new_id(batch), .name = name, .created = clock_.now()};
  batch.put(keys::stream(id, name), encode_stream(stream));
  batch.put(keys::recent(id, 0, name), "");
  batch.put(keys::name(id, stream.id), name);
  base::Status saved = co_await store_.commit(std::move(batch));
  co_return saved;
}

async::Task<base::Status> Journal::remove_stream(GroupPtr group, std::string name) {
  return async::run_on(control_, remove_stream_here(std::move(group), std::move(name)));
}

// The stream is gone at once; its events can be many, so they are erased in the background.
async::Task<base::Status> Journal::remove_stream_here(GroupPtr group, std::string name) {
  const auto lock = co_await group->state->changing.lock();
  if (group->state->removed) co_return group_gone();
  const std::uint64_t id = group->info.id;
  const auto stream = co_await load_stream(id, name);
  if (!stream) co_return std::unexpected(stream.error());
  store::Batch batch;
  batch.erase(keys::stream(id, name));
  batch.erase(keys::recent(id, stream->last_time_ms, name));
  batch.erase(keys::name(id, stream->id));
  if (stream->had_events()) batch.put(keys::doomed(id, stream->id), "");
  group->state->stored_bytes -= stream->stored_bytes;
  put_tally(batch, *group);
  const base::Status removed = co_await store_.commit(std::move(batch));
  if (!removed) co_return std::unexpected(removed.error());
  work_.notify();
  co_return base::Status();
}

namespace {

// The part of the store that a query looks at, with what is left of it after `query.after`.
struct Window {
  std::string from;
  std::string to;
};
Window window_of(std::uint64_t group, const StreamQuery& query) {
  const std::string part =
      keys::part(query.by_last_event ? keys::Part::kRecent : keys::Part::kStream, group);
  Window window{part + query.prefix, store::prefix_end(part + query.prefix)};
  if (query.after.empty()) return window;
  if (query.descending) window.to = std::min(window.to, part + query.after);
  else window.from = std::max(window.from, part + query.after + '\0');
  return window;
}

}  // namespace

async::Task<base::Result<StreamPage>> Journal::streams(GroupPtr group, StreamQuery query) const {
  const std::uint64_t id = group->info.id;
  const Window window = window_of(id, query);
  StreamPage page;
  if (window.from >= window.to) co_return page;
  const auto entries = co_await store_.scan(
      window.from, window.to, {.limit = query.limit + 1, .reverse = query.descending});
  if (!entries) co_return std::unexpected(entries.error());
  for (const store::KeyValue& entry : *entries) {
    const std::string_view place = keys::after_part(entry.key);
    if (page.streams.size() == query.limit) break;
    page.next = place;
    std::string name(query.by_last_event ? place.substr(8) : place);
    auto stream = query.by_last_event ? co_await load_stream(id, std::move(name))
                                      : decode_stream(std::move(name), entry.value);
    // Between the two reads a stream may have been deleted; another order of it comes later.
    if (!stream && stream.error().code == base::ErrorCode::kNotFound) continue;
    if (!stream) co_return std::unexpected(stream.error());
    page.streams.push_back(*std::move(stream));
  }
  if (entries->size() <= query.limit) page.next.clear();
  const base::Status durable = co_await seen_is_durable();
  if (!durable) co_return std::unexpected(durable.error());
  co_return page;
}

}  // namespace journal
