#pragma once

// StreamInfo: all that is known of a stream except its records. A value; published as an immutable
// snapshot, persisted whole (docs/formats/streamlog.md).

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"
#include "streamlog/hash_key.h"
#include "streamlog/sequence_number.h"

namespace streamlog {

struct StreamKey {
  std::string account_id;
  std::string region;
  std::string name;

  auto operator<=>(const StreamKey&) const = default;
  std::string arn() const;
};

struct ShardInfo {
  std::uint32_t index = 0;  // shardId-000000000003 has 3
  store::LogId log;
  base::Timestamp created;
  HashRange range;
  std::optional<std::uint32_t> parent;
  std::optional<std::uint32_t> adjacent_parent;
  // Set when the shard was closed by a split or a merge: the position of its last record.
  std::optional<Position> last;
  std::optional<base::Timestamp> closed;

  bool is_open() const { return !last.has_value(); }
  std::string id() const;
  SequenceNumber start() const;
  SequenceNumber end() const;  // of a closed shard
  SequenceNumber number(Position position, base::Timestamp arrival) const;

  bool operator==(const ShardInfo&) const = default;
};

inline constexpr std::uint32_t kShardIndexMax = 0x7fff'ffff;

std::string shard_id(std::uint32_t index);
// As AWS reads ids: what stands after the first hyphen counts ("shardId-3", "anything-0003"), or
// the whole text where there is none ("3"). nullopt: not a number, or above kShardIndexMax.
std::optional<std::uint32_t> parse_shard_id(std::string_view id);

struct ConsumerInfo {
  std::string name;
  base::Timestamp created;
  std::map<std::string, std::string> tags;
  std::string resource_policy;  // JSON; empty: none

  bool operator==(const ConsumerInfo&) const = default;
};

enum class StreamStatus { kCreating, kActive, kUpdating, kDeleting };

struct StreamInfo {
  StreamKey key;
  std::string id;  // tells a stream from another of the same name
  base::Timestamp created;
  StreamStatus status = StreamStatus::kActive;
  bool on_demand = false;
  std::uint32_t retention_hours = 24;
  std::uint32_t record_kib_max = 1024;
  std::optional<std::uint32_t> warm_mib;  // warm throughput of an on-demand stream, MiB/s
  std::string encryption_key;             // empty: none
  std::vector<std::string> shard_metrics;
  std::map<std::string, std::string> tags;
  std::vector<ConsumerInfo> consumers;
  std::string resource_policy;    // JSON; empty: none
  std::vector<ShardInfo> shards;  // by index; expired ones are gone

  const ShardInfo* find_shard(std::uint32_t index) const;
  // The open shard whose range holds `key`.
  const ShardInfo& owner_of(HashKey key) const;
  std::uint32_t open_shards() const;

  bool operator==(const StreamInfo&) const = default;
};

std::string encode_stream(const StreamInfo& stream);
base::Result<StreamInfo> decode_stream(std::string_view bytes);

}  // namespace streamlog
