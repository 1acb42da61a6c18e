#include "tables/throttle.h"

#include <algorithm>

namespace tables {
namespace {

constexpr std::int32_t kAllPartitions = -1;
// What an on-demand table serves at once: four partitions' worth.
constexpr Warm kOnDemandServes = {.read = 12'000, .write = 4'000};

const Throughput& provisioned_of(const Draw& draw) {
  return draw.index != nullptr && draw.index->global ? draw.index->throughput
                                                     : draw.table.throughput;
}

std::int64_t maximum_of(const Draw& draw) {
  const bool of_index = draw.index != nullptr && draw.index->global;
  const Maxima& maxima = of_index ? draw.index->maxima : draw.table.maxima;
  return (draw.writes ? maxima.write : maxima.read).value_or(0);
}

std::int64_t ceiling(std::int64_t amount, std::int64_t of_each) {
  return (amount + of_each - 1) / of_each;
}

}  // namespace

std::int32_t partitions_of(const Draw& draw) {
  const bool of_index = draw.index != nullptr && draw.index->global;
  const Warm& warm = of_index ? draw.index->warm : draw.table.warm;
  const Throughput& provisioned = provisioned_of(draw);
  const bool on_demand = draw.table.on_demand;
  const std::int64_t reads =
      std::max(warm.read, on_demand ? kOnDemandServes.read : provisioned.read);
  const std::int64_t writes =
      std::max(warm.write, on_demand ? kOnDemandServes.write : provisioned.write);
  // A provisioned partition's reads and writes add up; on demand the greater need decides.
  const std::int64_t by_units =
      on_demand ? std::max(ceiling(reads, kPartitionReads), ceiling(writes, kPartitionWrites))
                : ceiling(reads * kPartitionWrites + writes * kPartitionReads,
                          kPartitionReads * kPartitionWrites);
  const std::int64_t count =
      std::max({std::int64_t{1}, by_units, ceiling(draw.bytes, kPartitionBytes)});
  return static_cast<std::int32_t>(std::min<std::int64_t>(count, 1 << 16));
}

namespace {

// Partitions divide the hashes evenly.
std::int32_t partition_of(const Draw& draw) {
  return static_cast<std::int32_t>(std::int64_t{*draw.hash} * partitions_of(draw) >> 16U);
}

}  // namespace

Throttle::Rate Throttle::whole_rate(const Draw& draw) {
  if (!draw.table.on_demand) {
    const Throughput& units = provisioned_of(draw);
    const auto rate = static_cast<double>(draw.writes ? units.write : units.read);
    return {rate, rate * kBurstSeconds};
  }
  const std::int64_t maximum = maximum_of(draw);
  const auto rate = static_cast<double>(maximum > 0 ? maximum : kTableUnitsMax);
  return {rate, rate};
}

Throttle::Rate Throttle::partition_rate(const Draw& draw) {
  const auto rate = static_cast<double>(draw.writes ? kPartitionWrites : kPartitionReads);
  return {rate, rate};
}

Throttle::Key Throttle::key_of(const Draw& draw, std::int32_t partition) {
  const bool of_index = draw.index != nullptr && draw.index->global;
  return {draw.table.id, of_index ? draw.index->id : IndexId(0), draw.writes, partition};
}

Throttle::Bucket& Throttle::bucket(const Key& key, const Rate& rate) {
  const base::SteadyTime now = clock_.steady_now();
  if (buckets_.size() >= kThrottleBucketsMax && !buckets_.contains(key)) forget_full(now);
  const auto [at, fresh] = buckets_.try_emplace(key, Bucket{rate.capacity, now});
  Bucket& found = at->second;
  if (fresh) return found;
  const std::chrono::duration<double> passed = now - found.filled;
  found.level = std::min(rate.capacity, found.level + passed.count() * rate.per_second);
  found.filled = now;
  return found;
}

// One that nobody has drawn on for so long is full, and is so when it comes back.
void Throttle::forget_full(base::SteadyTime now) {
  std::erase_if(buckets_, [now](const auto& entry) {
    return now - entry.second.filled > std::chrono::seconds(kBurstSeconds) &&
           entry.second.level >= 0;
  });
}

std::optional<Limit> Throttle::check(const Draw& draw) {
  const std::lock_guard lock(mutex_);
  if (bucket(key_of(draw, kAllPartitions), whole_rate(draw)).level <= 0) {
    if (!draw.table.on_demand) return Limit::kProvisioned;
    return maximum_of(draw) > 0 ? Limit::kMaxOnDemand : Limit::kAccount;
  }
  if (!draw.hash) return std::nullopt;
  const std::int32_t partition = partition_of(draw);
  if (bucket(key_of(draw, partition), partition_rate(draw)).level <= 0) return Limit::kKeyRange;
  return std::nullopt;
}

void Throttle::charge(const Draw& draw, double units) {
  const std::lock_guard lock(mutex_);
  bucket(key_of(draw, kAllPartitions), whole_rate(draw)).level -= units;
  if (!draw.hash) return;
  const std::int32_t partition = partition_of(draw);
  bucket(key_of(draw, partition), partition_rate(draw)).level -= units;
}

}  // namespace tables
