#include "base/clock.h"

#include <atomic>

namespace base {

Timestamp SystemClock::now() const {
  return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
}
SteadyTime SystemClock::steady_now() const { return std::chrono::steady_clock::now(); }

// Wall time is its start plus the steady time passed, so one atomic word is the whole state.
Timestamp ManualClock::now() const {
  auto passed = std::chrono::floor<Milliseconds>(steady_now().time_since_epoch());
  return from_epoch_ms(wall_ms_ + passed.count());
}
SteadyTime ManualClock::steady_now() const {
  std::atomic_ref<std::int64_t> steady(const_cast<std::int64_t&>(steady_ns_));
  return SteadyTime(std::chrono::nanoseconds(steady.load()));
}
void ManualClock::advance(std::chrono::nanoseconds by) {
  std::atomic_ref<std::int64_t>(steady_ns_).fetch_add(by.count());
}

}  // namespace base
