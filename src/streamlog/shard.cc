#include "streamlog/shard.h"

#include <algorithm>
#include <utility>

#include "async/completion.h"
#include "base/encoding.h"

namespace streamlog {

namespace {

// A batch that has grown to this waits for no more company.
constexpr std::size_t kGroupBytesMax = 256 << 10;

// Which of the records the limits let through; empty: all of them.
std::vector<bool> admitted(ShardLimits* limits, const std::vector<NewRecord>& records) {
  if (limits == nullptr) return {};
  std::vector<bool> taken;
  taken.reserve(records.size());
  for (const NewRecord& record : records)
    taken.push_back(limits->admit_write(record.partition_key.size() + record.data.size()));
  return taken;
}

}  // namespace

// Appends that share a batch. The first of them leads: it waits for the batch and wakes the others.
struct Shard::Group {
  std::vector<store::NewEntry> entries;
  std::size_t bytes = 0;
  std::vector<async::Completion<base::Status>*> followers;
  // Once submitted.
  bool is_submitted = false;
  Position first = 0;
  Position end = 0;
  base::Result<store::Sequence> sequence;
};

Shard::Shard(ShardInfo info, async::Core& core, store::Store& store, const base::Clock& clock,
             std::unique_ptr<ShardLimits> limits)
    : info_(info),
      core_(core),
      store_(store),
      clock_(clock),
      limits_(std::move(limits)),
      closed_(!info_.is_open()) {}

std::string Shard::tip_key() const {
  std::string key = "streamlog/tip/";
  base::append_u64(key, info_.log.value());
  return key;
}

// The tip is kept apart when a log is trimmed, so that an emptied log goes on where it was.
async::Task<base::Status> Shard::open() {
  const auto bounds = co_await store_.log_bounds(info_.log);
  if (!bounds) co_return std::unexpected(bounds.error());
  const auto tip = co_await store_.get(tip_key());
  if (!tip) co_return std::unexpected(tip.error());
  Position end = std::max<Position>(bounds->end, 1);
  if (tip->has_value() && (*tip)->size() == 8) end = std::max(end, base::read_u64(**tip));
  next_ = end;
  end_ = end;
  first_ = bounds->first < bounds->end ? bounds->first : end;
  if (first() < end) {
    const auto arrival = co_await arrival_at(end - 1);
    if (!arrival) co_return std::unexpected(arrival.error());
    last_arrival_ = *arrival;
  }
  co_return base::Status();
}

async::Task<base::Result<Appended>> Shard::append(std::vector<NewRecord> records) {
  return async::run_on(core_, append_here(std::move(records)));
}

async::Task<base::Result<Appended>> Shard::append_here(std::vector<NewRecord> records) {
  if (is_closed()) co_return base::error(base::ErrorCode::kConflict, "the shard is closed");
  // Arrival times never run backwards within a shard, whatever the wall clock does.
  last_arrival_ = std::max(last_arrival_, clock_.now());
  Appended appended{
      .first = 0, .arrival = last_arrival_, .taken = admitted(limits_.get(), records)};
  if (!appended.has_any()) co_return appended;
  const bool leads = gathering_ == nullptr;
  if (leads) gathering_ = std::make_shared<Group>();
  const std::shared_ptr<Group> group = gathering_;
  const std::size_t offset = group->entries.size();
  if (leads) group->entries.reserve(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!appended.has(i)) continue;
    group->entries.push_back(encode_record(std::move(records[i]), appended.arrival));
    group->bytes += group->entries.back().size();
  }
  if (group->bytes >= kGroupBytesMax) submit_group();
  base::Status synced;
  if (leads) {
    if (!group->is_submitted) co_await async::yield();
    if (!group->is_submitted) submit_group();
    synced = co_await settle(*group);
  } else {
    async::Completion<base::Status> done;
    group->followers.push_back(&done);
    synced = co_await done;
  }
  if (!synced) co_return std::unexpected(synced.error());
  appended.first = group->first + offset;
  co_return appended;
}

void Shard::submit_group() {
  const std::shared_ptr<Group> group = std::exchange(gathering_, nullptr);
  const std::size_t count = group->entries.size();
  group->is_submitted = true;
  group->first = next_;
  store::Batch batch;
  batch.append_entries(info_.log, next_, std::move(group->entries));
  group->sequence = store_.submit(std::move(batch));
  if (group->sequence) next_ += count;
  group->end = next_;
}

// What the group's leader does once it is submitted.
async::Task<base::Status> Shard::settle(Group& group) {
  base::Status synced;
  if (group.sequence) synced = co_await store_.durable(*group.sequence);
  else synced = std::unexpected(group.sequence.error());
  if (synced) published(group.end);
  std::vector<async::Resumption> waiting;
  waiting.reserve(group.followers.size());
  for (auto* const follower : group.followers) waiting.push_back(follower->hand_over(synced));
  async::resume_all(std::move(waiting));
  co_return synced;
}

// Durability is a prefix: once this batch is synced, so are all before it.
void Shard::published(Position end) {
  if (end > end_.load(std::memory_order_relaxed)) end_.store(end, std::memory_order_release);
  tail_.notify();
}

async::Task<base::Result<std::vector<Record>>> Shard::read(Position from, std::size_t limit,
                                                           std::size_t bytes_max) const {
  std::vector<Record> records;
  const Position stop = end();
  from = std::max(from, first());
  if (from >= stop) co_return records;
  const auto wanted = static_cast<std::size_t>(std::min<Position>(limit, stop - from));
  auto entries =
      co_await store_.read_log(info_.log, from, {.limit = wanted, .bytes_max = bytes_max});
  if (!entries) co_return std::unexpected(entries.error());
  records.reserve(entries->size());
  for (store::LogEntry& entry : *entries) {
    auto record = decode_record(entry.position, std::move(entry.bytes));
    if (!record) co_return std::unexpected(record.error());
    records.push_back(*std::move(record));
  }
  co_return records;
}

async::Task<base::Result<base::Timestamp>> Shard::arrival_at(Position position) const {
  const auto entries = co_await store_.read_log(info_.log, position, {.limit = 1, .bytes_max = 1});
  if (!entries) co_return std::unexpected(entries.error());
  if (entries->empty()) co_return base::error(base::ErrorCode::kNotFound, "trimmed meanwhile");
  co_return arrival_of(entries->front().bytes);
}

// Arrivals do not decrease with position, so a binary search finds the first at or after `time`.
async::Task<base::Result<Position>> Shard::find_time(base::Timestamp time) const {
  Position low = first();
  Position high = end();
  while (low < high) {
    const Position middle = low + (high - low) / 2;
    const auto arrival = co_await arrival_at(middle);
    if (!arrival && arrival.error().code == base::ErrorCode::kNotFound) {
      low = std::max(middle + 1, first());
      continue;
    }
    if (!arrival) co_return std::unexpected(arrival.error());
    if (*arrival < time) low = middle + 1;
    else high = middle;
  }
  co_return low;
}

async::Task<base::Result<Position>> Shard::close() { return async::run_on(core_, close_here()); }

async::Task<base::Result<Position>> Shard::close_here() {
  if (closed_.exchange(true)) co_return base::error(base::ErrorCode::kConflict, "closed already");
  if (gathering_) submit_group();
  const Position last = next_ - 1;
  const base::Status synced = co_await store_.durable(store_.applied());
  if (!synced) {
    closed_ = false;
    co_return std::unexpected(synced.error());
  }
  published(last + 1);
  co_return last;
}

async::Task<base::Status> Shard::trim_before(base::Timestamp time) {
  const auto position = co_await find_time(time);
  if (!position) co_return std::unexpected(position.error());
  if (*position <= first()) co_return base::Status();
  store::Batch batch;
  std::string tip;
  base::append_u64(tip, *position);
  batch.put(tip_key(), std::move(tip));
  batch.trim(info_.log, *position);
  base::Status trimmed = co_await store_.commit(std::move(batch));
  if (trimmed) first_.store(std::max(*position, first()), std::memory_order_release);
  co_return trimmed;
}

}  // namespace streamlog
