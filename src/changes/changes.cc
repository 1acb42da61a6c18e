#include "changes/changes.h"

#include <algorithm>

#include "async/timer.h"
#include "base/encoding.h"
#include "base/log.h"
#include "store/for_each.h"

namespace changes {

namespace {

using tables::Capture;
using tables::Definition;

const std::optional<Capture>& capture_of(const Definition& table, bool feed) {
  return feed ? table.feed : table.stream;
}

bool is_enabled(const std::optional<Capture>& capture) { return capture && capture->enabled; }

// The capture that `before` keeps and `after` does not.
const Capture* ending(const Definition* before, const Definition* after, bool feed) {
  if (before == nullptr || !is_enabled(capture_of(*before, feed))) return nullptr;
  const Capture& was = *capture_of(*before, feed);
  const bool goes_on = after != nullptr && is_enabled(capture_of(*after, feed)) &&
                       capture_of(*after, feed)->number == was.number;
  return goes_on ? nullptr : &was;
}

std::string destination_of(const Definition& table) {
  for (const tables::Destination& one : table.destinations) {
    if (one.state == tables::Destination::State::kActive) return one.stream_arn;
  }
  return {};
}

std::uint16_t hash_of(const Definition& table, const tables::Item& item) {
  return base::read_u16(tables::encode_key(table.keys, item));
}

}  // namespace

// Shards that a batch appends to, locked in one order by everybody: that of their addresses.
class Changes::Held final : public Recording {
 public:
  struct Entry {
    StreamPtr stream;
    std::size_t shard;
    const tables::Change* change;
    Shard* where() const { return &stream->shard(shard); }
  };

  Held(Changes& owner, const std::vector<Entry>& entries) : owner_(owner) {
    for (const Entry& entry : entries) {
      const auto there = std::ranges::find_if(
          parts_, [&](const Part& part) { return part.shard == entry.where(); });
      if (there == parts_.end()) parts_.push_back({entry.stream, entry.where(), {}, false});
    }
    std::ranges::sort(parts_, std::less<>(), &Part::shard);
    for (Part& part : parts_) part.lock = std::unique_lock(part.shard->mutex());
  }

  void submitted(store::Sequence sequence) override {
    async::Core* const current = async::Core::current();
    async::Core& core = current != nullptr ? *current : owner_.control_;
    for (Part& part : parts_) {
      part.publishes = part.shard->submitted(sequence);
      part.lock.unlock();
    }
    // What is spawned may run at once, and takes a shard's mutex: none is held any more.
    for (Part& part : parts_) {
      if (part.publishes) async::spawn(core, owner_.gate_, publish(part.stream, *part.shard));
    }
  }

 private:
  struct Part {
    StreamPtr stream;
    Shard* shard;
    std::unique_lock<std::mutex> lock;
    bool publishes = false;
  };

  // Keeps the stream while it runs.
  static async::Task<void> publish(StreamPtr /*stream*/, Shard& shard) { co_await shard.publish(); }

  Changes& owner_;
  std::vector<Part> parts_;
};

std::unique_ptr<tables::ChangeSink::Recording> Changes::record(
    std::span<const tables::Change> changes, store::Batch& batch) {
  std::vector<Held::Entry> entries;
  for (const tables::Change& change : changes) {
    const Definition& table = change.table;
    const bool kept = is_enabled(table.stream) || is_enabled(table.feed);
    if (!kept || !is_change(change)) continue;
    const std::uint16_t hash =
        hash_of(table, change.after != nullptr ? *change.after : *change.before);
    for (const bool feed : {false, true}) {
      if (!is_enabled(capture_of(table, feed))) continue;
      StreamPtr stream = of(table, *capture_of(table, feed));
      CHECK(stream != nullptr);
      const std::size_t shard = stream->shard_of(hash);
      entries.push_back({std::move(stream), shard, &change});
    }
  }
  if (entries.empty()) return nullptr;
  auto held = std::make_unique<Held>(*this, entries);
  const base::Timestamp now = clock_.now();
  for (const Held::Entry& entry : entries) {
    Shard& shard = *entry.where();
    shard.append(encode_record(*entry.change, entry.stream->info().capture.view, shard.stamp(now)),
                 batch);
  }
  return held;
}

void Changes::redefine(const Definition* before, const Definition* after, store::Batch& batch) {
  for (const bool feed : {false, true}) {
    if (const Capture* const was = ending(before, after, feed)) {
      const StreamPtr stream = of(*before, *was);
      CHECK(stream != nullptr);
      StreamInfo info = stream->info();
      info.ended = clock_.now();
      batch.put(stream_key(info), encode_stream(info));
      const std::lock_guard lock(ended_mutex_);
      ended_[{info.table_id, info.capture.number}] = *info.ended;
    }
    if (after == nullptr || !is_enabled(capture_of(*after, feed))) continue;
    if (of(*after, *capture_of(*after, feed))) continue;
    StreamInfo info{.account = after->account,
                    .region = after->region,
                    .table = after->name,
                    .table_id = after->id,
                    .keys = after->keys,
                    .capture = *capture_of(*after, feed),
                    .feed = feed,
                    .destination = feed ? destination_of(*after) : "",
                    .ended = std::nullopt};
    batch.put(stream_key(info), encode_stream(info));
    add(std::make_shared<Stream>(std::move(info), store_));
  }
}

void Changes::redefined(const Definition* before, const Definition* after) {
  for (const bool feed : {false, true}) {
    if (const Capture* const was = ending(before, after, feed)) of(*before, *was)->end();
  }
  changed_.notify();
}

StreamPtr Changes::of(const Definition& table, const Capture& capture) const {
  const auto known = known_.get();
  const auto found = known->by_capture.find({table.id, capture.number});
  return found == known->by_capture.end() ? nullptr : found->second;
}

void Changes::add(StreamPtr stream) {
  const std::lock_guard lock(changing_);
  Known known = *known_.get();
  const StreamInfo& info = stream->info();
  if (!info.feed) known.by_name[info.name()] = stream;
  known.by_capture[{info.table_id, info.capture.number}] = std::move(stream);
  known_.set(std::move(known));
}

void Changes::forget(const Stream& stream) {
  const std::lock_guard lock(changing_);
  Known known = *known_.get();
  const StreamInfo& info = stream.info();
  if (!info.feed) known.by_name.erase(info.name());
  known.by_capture.erase({info.table_id, info.capture.number});
  known_.set(std::move(known));
}

async::Task<base::Status> Changes::open() {
  std::vector<StreamPtr> streams;
  const auto take = [this, &streams](StreamInfo info) {
    if (info.ended) ended_[{info.table_id, info.capture.number}] = *info.ended;
    streams.push_back(std::make_shared<Stream>(std::move(info), store_));
  };
  base::Status loaded = co_await store::for_each_decoded(store_, "Ts", decode_stream, take);
  if (!loaded) co_return loaded;
  for (const StreamPtr& stream : streams) {
    for (const auto& shard : stream->shards()) {
      base::Status opened = co_await shard->open();
      if (!opened) co_return opened;
    }
    add(stream);
  }
  co_return base::Status();
}

void Changes::start() { async::spawn(control_, gate_, sweep()); }

async::Task<void> Changes::stop() {
  stop_.request_stop();
  co_await gate_.close();
}

async::Task<void> Changes::sweep() {
  for (;;) {
    const base::Status trimmed = co_await trim();
    if (!trimmed) base::log_error("streams of tables: {}", trimmed.error().to_string());
    const bool slept = co_await async::sleep_for(kSweepEvery, stop_.get_token());
    if (!slept) co_return;
  }
}

async::Task<base::Status> Changes::trim() {
  const base::Timestamp oldest = clock_.now() - kRetention;
  const auto known = known_.get();
  for (const auto& [id, stream] : known->by_capture) {
    std::optional<base::Timestamp> ended;
    {
      const std::lock_guard lock(ended_mutex_);
      const auto found = ended_.find(id);
      if (found != ended_.end()) ended = found->second;
    }
    if (!stream->is_over() || !ended || *ended >= oldest) {
      for (const auto& shard : stream->shards()) {
        base::Status trimmed = co_await shard->trim_before(oldest);
        if (!trimmed) co_return trimmed;
      }
      continue;
    }
    store::Batch batch;
    batch.erase(stream_key(stream->info()));
    const std::string from = all_feed_keys(stream->info());
    batch.erase_range(from, store::prefix_end(from));
    for (const auto& shard : stream->shards()) shard->drop(batch);
    base::Status dropped = co_await store_.commit(std::move(batch));
    if (!dropped) co_return dropped;
    {
      const std::lock_guard lock(ended_mutex_);
      ended_.erase(id);
    }
    forget(*stream);
    changed_.notify();
  }
  co_return base::Status();
}

StreamPtr Changes::find(const StreamName& name) const {
  const auto known = known_.get();
  const auto found = known->by_name.find(name);
  return found == known->by_name.end() ? nullptr : found->second;
}

std::vector<StreamPtr> Changes::list(std::string_view account, std::string_view region,
                                     std::string_view table, const std::optional<StreamName>& after,
                                     std::size_t limit) const {
  const auto known = known_.get();
  const StreamName from{std::string(account), std::string(region), std::string(table), ""};
  auto at = after ? known->by_name.upper_bound(*after) : known->by_name.lower_bound(from);
  std::vector<StreamPtr> found;
  for (; at != known->by_name.end() && found.size() < limit; ++at) {
    const StreamName& name = at->first;
    if (name.account != account || name.region != region) break;
    if (!table.empty() && name.table != table) break;
    found.push_back(at->second);
  }
  return found;
}

std::vector<StreamPtr> Changes::feeds() const {
  std::vector<StreamPtr> found;
  const auto known = known_.get();
  for (const auto& [id, stream] : known->by_capture) {
    if (stream->info().feed) found.push_back(stream);
  }
  return found;
}

}  // namespace changes
