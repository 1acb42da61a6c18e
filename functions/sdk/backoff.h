// How long to wait before trying again: doubling, capped, half of it random, so that many
// functions refused at one moment do not come back at one moment.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sdk/clock.h"

namespace sdk {

struct Backoff {
  std::int64_t base_ms = 50;
  std::int64_t cap_ms = 2000;

  // attempt counts the failures so far, from 0. Answer: between half of and the full step.
  std::int64_t delay_ms(int attempt, Random& random) const {
    const int shift = std::clamp(attempt, 0, 30);
    const std::int64_t step = std::min(cap_ms, base_ms << shift);
    const std::int64_t half = step / 2;
    return half + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(half) + 1));
  }
};

}  // namespace sdk
