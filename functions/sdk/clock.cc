#include "sdk/clock.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace sdk {

std::int64_t Clock::remaining_ms(Deadline deadline) const {
  if (deadline.is_never()) return deadline.unix_ms;
  return std::max<std::int64_t>(0, deadline.unix_ms - now_unix_ms());
}

std::int64_t SystemClock::now_unix_ms() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void SystemClock::sleep_ms(std::int64_t span_ms) {
  if (span_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(span_ms));
}

std::uint64_t SystemRandom::below(std::uint64_t bound) {
  std::uint64_t value = 0;
  // Up to 256 bytes getrandom is all or nothing once the pool is ready.
  if (getrandom(&value, sizeof value, 0) != sizeof value) std::abort();
  return value % bound;  // the bias is below 2^-40 for the bounds used here (ids, jitter)
}

}  // namespace sdk
