#pragma once

// Throttle: AWS's limits of throughput, of each table and index and of each of their partitions.
// Off by default: a server that enforces limits has one. Thread-safe. Nothing survives a restart:
// everything that may be saved up is there again.
//
// An operation is let through while anything is left of what it draws on; what it costs is known
// and charged afterwards, and may leave a debt that has to fill up first.
// Limits: kThrottleBucketsMax buckets are remembered; beyond that those that are full are not.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "tables/definition.h"

namespace tables {

// Of each partition, a second.
inline constexpr std::int64_t kPartitionReads = 3'000;
inline constexpr std::int64_t kPartitionWrites = 1'000;
inline constexpr std::int64_t kPartitionBytes = 10LL << 30U;
// AWS's quota for a table or index that nothing else limits, of reads and of writes each.
inline constexpr std::int64_t kTableUnitsMax = 40'000;
// How long provisioned throughput that is not used is saved up.
inline constexpr std::int64_t kBurstSeconds = 300;
inline constexpr std::size_t kThrottleBucketsMax = 100'000;

// What an operation draws on.
struct Draw {
  const Definition& table;
  const Index* index = nullptr;  // nullptr: the table, whose limits local indexes share
  bool writes = false;
  std::optional<std::uint16_t> hash = {};  // of the partition key; nullopt: no one partition
  std::int64_t bytes = 0;                  // that the table or index holds
};

enum class Limit : std::uint8_t {
  kProvisioned,
  kMaxOnDemand,  // the maximum that was set
  kAccount,      // kTableUnitsMax
  kKeyRange,     // of a partition
};

class Throttle {
 public:
  explicit Throttle(const base::Clock& clock) : clock_(clock) {}

  // nullopt: it may be done. Takes nothing.
  std::optional<Limit> check(const Draw& draw);
  void charge(const Draw& draw, double units);

 private:
  struct Bucket {
    double level = 0;
    base::SteadyTime filled{};
  };
  struct Rate {
    double per_second = 0;
    double capacity = 0;
  };
  // Table, index, writes, partition (-1: all of them).
  using Key = std::tuple<TableId, IndexId, bool, std::int32_t>;

  static Rate whole_rate(const Draw& draw);
  static Rate partition_rate(const Draw& draw);
  static Key key_of(const Draw& draw, std::int32_t partition);
  Bucket& bucket(const Key& key, const Rate& rate);
  void forget_full(base::SteadyTime now);

  const base::Clock& clock_;
  std::mutex mutex_;
  std::map<Key, Bucket> buckets_;
};

// How many partitions a table or an index has: as many as its throughput and its bytes need.
std::int32_t partitions_of(const Draw& draw);

}  // namespace tables
