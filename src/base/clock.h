#pragma once

// Time comes only through this interface, so that tests own the clock.

#include <chrono>
#include <cstdint>

namespace base {

// Wall-clock time, UTC, to the millisecond: what AWS's APIs show.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;
// Time that only moves forward: what timers and deadlines use.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using Milliseconds = std::chrono::milliseconds;

inline Timestamp from_epoch_ms(std::int64_t epoch_ms) { return Timestamp(Milliseconds(epoch_ms)); }
inline std::int64_t to_epoch_ms(Timestamp time) { return time.time_since_epoch().count(); }

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  virtual SteadyTime steady_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
  SteadyTime steady_now() const override;
};

// A clock that stands still until told otherwise. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = from_epoch_ms(1'800'000'000'000))
      : wall_ms_(to_epoch_ms(start)) {}
  Timestamp now() const override;
  SteadyTime steady_now() const override;
  // Moves both clocks forward.
  void advance(std::chrono::nanoseconds by);

 private:
  std::int64_t wall_ms_;
  std::int64_t steady_ns_ = 0;  // guarded by atomic_ref access
};

}  // namespace base
