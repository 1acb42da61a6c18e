#include "feed/batch.h"

#include "base/check.h"

namespace feed {

bool Batch::has_room_for(const Record& record) const {
  if (records_.size() == kBatchRecordsMax) return false;
  if (bytes_ + record.bytes() > kBatchBytesMax) return false;
  return !one_of_each_key_ || !keys_.contains(record.partition_key);
}

void Batch::add(Record record) {
  CHECK(has_room_for(record));
  bytes_ += record.bytes();
  if (one_of_each_key_) keys_.insert(record.partition_key);
  records_.push_back(std::move(record));
}

void Batch::keep_only(const std::vector<std::size_t>& indexes) {
  std::vector<Record> kept;
  kept.reserve(indexes.size());
  bytes_ = 0;
  for (const std::size_t index : indexes) {
    kept.push_back(std::move(records_.at(index)));
    bytes_ += kept.back().bytes();
  }
  records_ = std::move(kept);
}

}  // namespace feed
