#pragma once

// Stream: the change records of a table while one of its captures was enabled. Kept for 24 hours
// after it has ended, whatever becomes of the table. Made by Changes, shared by who reads.
// Thread-safe. Names, numbers and bytes: docs/formats/changes.md.

#include <map>
#include <memory>

#include "changes/shard.h"
#include "tables/key.h"

namespace changes {

struct StreamName {
  std::string account, region, table, label;
  auto operator<=>(const StreamName&) const = default;
  std::string arn() const;
};
// arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/stream/LABEL
std::optional<StreamName> parse_stream_arn(std::string_view arn);

struct StreamInfo {
  std::string account, region, table;
  tables::TableId table_id;
  tables::KeySchema keys;
  tables::Capture capture;
  bool feed = false;        // of Kinesis destinations; not shown as a stream
  std::string destination;  // of a feed: the Kinesis stream's ARN
  std::optional<base::Timestamp> ended;

  StreamName name() const;
  store::LogId log(std::size_t shard) const;

  // "shardId-00000001800000000000-1a2b3c4d"
  std::string shard_id(std::size_t shard) const;
  std::optional<std::size_t> parse_shard_id(std::string_view id) const;
  // 30 digits: when the stream was made, the shard, the position.
  std::string sequence_number(std::size_t shard, Position position) const;
  std::optional<Position> parse_sequence_number(std::size_t shard, std::string_view text) const;
  std::string event_id(std::size_t shard, Position position) const;
};

std::string encode_stream(const StreamInfo& info);
base::Result<StreamInfo> decode_stream(std::string_view bytes);
std::string stream_key(const StreamInfo& info);  // in the store

// How far a feed's shard has come: the key of the next position.
std::string feed_key(const StreamInfo& info, std::size_t shard);
std::string all_feed_keys(const StreamInfo& info);

class Stream {
 public:
  Stream(StreamInfo info, store::Store& store);

  // All but `ended`, for which there is is_over().
  const StreamInfo& info() const { return info_; }
  const std::vector<std::unique_ptr<Shard>>& shards() const { return shards_; }
  Shard& shard(std::size_t index) const { return *shards_[index]; }
  // The shard of an item, by its partition's hash.
  std::size_t shard_of(std::uint16_t hash) const { return hash * shards_.size() >> 16U; }

  // No record will be added.
  bool is_over() const { return over_.load(std::memory_order_acquire); }
  // Wakes the readers.
  void end();

 private:
  const StreamInfo info_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<bool> over_ = false;
};

using StreamPtr = std::shared_ptr<Stream>;

}  // namespace changes
