#pragma once

// Batch: records on their way into one PutRecords request, within AWS's limits. Pure; a value of
// one coroutine.

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

namespace feed {

// AWS's limits of PutRecords and of a record.
inline constexpr std::size_t kBatchRecordsMax = 500;
inline constexpr std::size_t kBatchBytesMax = 5 << 20;   // data and partition keys
inline constexpr std::size_t kRecordBytesMax = 1 << 20;  // data and partition key
inline constexpr std::size_t kPartitionKeyCharsMax = 256;

struct Record {
  std::string data;
  std::string partition_key;

  std::size_t bytes() const { return data.size() + partition_key.size(); }
};

class Batch {
 public:
  // `one_of_each_key`: a record never shares a request with an earlier one of its partition key.
  // PutRecords may take the later of the two and refuse the earlier, which then comes behind it.
  explicit Batch(bool one_of_each_key = false) : one_of_each_key_(one_of_each_key) {}

  bool has_room_for(const Record& record) const;
  void add(Record record);  // has_room_for() it
  bool empty() const { return records_.empty(); }
  bool full() const { return records_.size() == kBatchRecordsMax; }
  std::size_t bytes() const { return bytes_; }
  const std::vector<Record>& records() const { return records_; }
  // Keeps those whose indexes are given (ascending), in their order.
  void keep_only(const std::vector<std::size_t>& indexes);

 private:
  bool one_of_each_key_;
  std::vector<Record> records_;
  std::unordered_set<std::string> keys_;
  std::size_t bytes_ = 0;
};

}  // namespace feed
