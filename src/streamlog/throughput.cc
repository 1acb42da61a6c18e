#include "streamlog/throughput.h"

#include <algorithm>

namespace streamlog {

TokenBucket::TokenBucket(std::int64_t rate_per_second, base::SteadyTime now)
    : rate_(rate_per_second), level_(static_cast<double>(rate_per_second)), filled_(now) {}

void TokenBucket::fill(base::SteadyTime now) {
  if (now <= filled_) return;
  const std::chrono::duration<double> passed = now - filled_;
  const auto full = static_cast<double>(rate_);
  level_ = std::min(full, level_ + passed.count() * full);
  filled_ = now;
}

bool TokenBucket::has(std::int64_t cost, base::SteadyTime now) {
  fill(now);
  return level_ >= static_cast<double>(std::min(cost, rate_));
}

void TokenBucket::take(std::int64_t cost, base::SteadyTime now) {
  fill(now);
  level_ -= static_cast<double>(cost);
}

ShardLimits::ShardLimits(const base::Clock& clock)
    : clock_(clock),
      records_in_(kRecordsInPerSecond, clock.steady_now()),
      bytes_in_(kBytesInPerSecond, clock.steady_now()),
      bytes_out_(kBytesOutPerSecond, clock.steady_now()),
      reads_(kReadsPerSecond, clock.steady_now()) {}

bool ShardLimits::admit_write(std::size_t bytes) {
  const base::SteadyTime now = clock_.steady_now();
  const auto cost = static_cast<std::int64_t>(bytes);
  const std::lock_guard lock(mutex_);
  if (!records_in_.has(1, now) || !bytes_in_.has(cost, now)) return false;
  records_in_.take(1, now);
  bytes_in_.take(cost, now);
  return true;
}

bool ShardLimits::admit_read() {
  const base::SteadyTime now = clock_.steady_now();
  const std::lock_guard lock(mutex_);
  // Anything left will do: how much a call reads is known only afterwards.
  if (!reads_.has(1, now) || !bytes_out_.has(1, now)) return false;
  reads_.take(1, now);
  return true;
}

void ShardLimits::charge_read(std::size_t bytes) {
  const base::SteadyTime now = clock_.steady_now();
  const std::lock_guard lock(mutex_);
  bytes_out_.take(static_cast<std::int64_t>(bytes), now);
}

}  // namespace streamlog
