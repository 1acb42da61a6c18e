#pragma once

// What one shard may take and give in a second, as AWS limits it. Off by default; a StreamLog that
// enforces limits gives each shard a ShardLimits.
//
// A TokenBucket belongs to whoever locks around it. ShardLimits is thread-safe. Nothing survives a
// restart: the buckets are full again.

#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace streamlog {

// Of each shard.
inline constexpr std::int64_t kRecordsInPerSecond = 1'000;
inline constexpr std::int64_t kBytesInPerSecond = 1 << 20;
inline constexpr std::int64_t kBytesOutPerSecond = 2 << 20;
inline constexpr std::int64_t kReadsPerSecond = 5;

// Fills evenly at `rate_per_second` and holds one second's worth. What costs more than it can hold
// is let through when it is full, and leaves a debt that has to fill up first.
class TokenBucket {
 public:
  TokenBucket(std::int64_t rate_per_second, base::SteadyTime now);

  // True if `cost` would be let through now.
  bool has(std::int64_t cost, base::SteadyTime now);
  // Takes `cost`, debt or not.
  void take(std::int64_t cost, base::SteadyTime now);

 private:
  void fill(base::SteadyTime now);

  std::int64_t rate_;
  double level_;
  base::SteadyTime filled_;
};

class ShardLimits {
 public:
  explicit ShardLimits(const base::Clock& clock);

  // A record of so many bytes (data and partition key). Takes nothing where it answers false.
  bool admit_write(std::size_t bytes);
  // A GetRecords call, before it reads. What it then read is charged by charge_read(): a page that
  // was larger than a second's worth makes the next calls wait.
  bool admit_read();
  void charge_read(std::size_t bytes);

 private:
  const base::Clock& clock_;
  std::mutex mutex_;
  TokenBucket records_in_;
  TokenBucket bytes_in_;
  TokenBucket bytes_out_;
  TokenBucket reads_;
};

}  // namespace streamlog
