#include "changes/shard.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"

namespace changes {

std::string Shard::tip_key() const {
  std::string key = "Tp";
  base::append_u64(key, log_.value());
  return key;
}

// A log that was trimmed empty says nothing of where it ended: the tip does.
async::Task<base::Status> Shard::open() {
  const auto bounds = co_await store_.log_bounds(log_);
  if (!bounds) co_return std::unexpected(bounds.error());
  const auto tip = co_await store_.get(tip_key());
  if (!tip) co_return std::unexpected(tip.error());
  Position end = std::max<Position>(bounds->end, 1);
  if (tip->has_value() && (*tip)->size() == 8) end = std::max(end, base::read_u64(**tip));
  next_ = submitted_end_ = end;
  end_ = end;
  first_ = bounds->first < bounds->end ? bounds->first : end;
  if (bounds->first >= bounds->end) co_return base::Status();
  const auto last = co_await store_.read_log(log_, end - 1, {.limit = 1, .bytes_max = 1});
  if (!last) co_return std::unexpected(last.error());
  if (!last->empty()) {
    const auto created = created_of(last->front().bytes);
    if (!created) co_return std::unexpected(created.error());
    last_created_ = *created;
  }
  co_return base::Status();
}

base::Timestamp Shard::stamp(base::Timestamp now) {
  last_created_ = std::max(last_created_, now);
  return last_created_;
}

void Shard::append(std::string entry, store::Batch& batch) {
  std::vector<std::string> entries;
  entries.push_back(std::move(entry));
  batch.append(log_, next_++, std::move(entries));
}

bool Shard::submitted(store::Sequence sequence) {
  last_sequence_ = sequence;
  submitted_end_ = next_;
  return !std::exchange(publishing_, true);
}

async::Task<void> Shard::publish() {
  for (;;) {
    store::Sequence sequence = 0;
    Position end = 0;
    {
      const std::lock_guard lock(mutex_);
      if (submitted_end_ == published()) {
        publishing_ = false;
        co_return;
      }
      sequence = last_sequence_;
      end = submitted_end_;
    }
    const auto durable = co_await store_.durable(sequence);
    // The journal has failed: nothing is acknowledged any more.
    if (!durable) co_return;
    end_.store(end, std::memory_order_release);
    tail_.notify();
  }
}

async::Task<base::Result<std::vector<Record>>> Shard::read(Position from, std::size_t limit,
                                                           std::size_t bytes_max) const {
  std::vector<Record> records;
  auto entries = co_await store_.read_log(log_, std::max(from, first()),
                                          {.limit = limit, .bytes_max = bytes_max});
  if (!entries) co_return std::unexpected(entries.error());
  records.reserve(entries->size());
  for (const store::LogEntry& entry : *entries) {
    auto record = decode_record(entry.position, entry.bytes);
    if (!record) co_return std::unexpected(record.error());
    records.push_back(*std::move(record));
  }
  co_return records;
}

async::Task<base::Result<Position>> Shard::end() const {
  const auto bounds = co_await store_.log_bounds(log_);
  if (!bounds) co_return std::unexpected(bounds.error());
  co_return std::max<Position>(bounds->end, published());
}

// Times do not decrease with position, so a binary search finds the first at or after `time`.
async::Task<base::Result<Position>> Shard::find_time(base::Timestamp time) const {
  Position low = first();
  Position high = published();
  while (low < high) {
    const Position middle = low + (high - low) / 2;
    const auto entries = co_await store_.read_log(log_, middle, {.limit = 1, .bytes_max = 1});
    if (!entries) co_return std::unexpected(entries.error());
    if (entries->empty()) co_return low;
    const auto created = created_of(entries->front().bytes);
    if (!created) co_return std::unexpected(created.error());
    if (*created < time) low = middle + 1;
    else high = middle;
  }
  co_return low;
}

async::Task<base::Status> Shard::trim_before(base::Timestamp time) {
  const auto position = co_await find_time(time);
  if (!position) co_return std::unexpected(position.error());
  if (*position <= first()) co_return base::Status();
  store::Batch batch;
  std::string tip;
  base::append_u64(tip, *position);
  batch.put(tip_key(), std::move(tip));
  batch.trim(log_, *position);
  base::Status trimmed = co_await store_.commit(std::move(batch));
  if (trimmed) first_.store(*position, std::memory_order_release);
  co_return trimmed;
}

void Shard::drop(store::Batch& batch) const {
  batch.drop(log_);
  batch.erase(tip_key());
}

}  // namespace changes
