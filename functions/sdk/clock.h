// Time and randomness behind interfaces, so that tests own both. Units: milliseconds since the
// Unix epoch (UTC, leap seconds ignored) for points in time, milliseconds for spans.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace sdk {

// A point in time at which something must have ended; the same scale as the runtime's
// Lambda-Runtime-Deadline-Ms header.
struct Deadline {
  std::int64_t unix_ms;

  static constexpr Deadline never() { return {std::numeric_limits<std::int64_t>::max()}; }
  constexpr bool is_never() const { return *this == never(); }
  // Earlier by `ms`; never stays never.
  constexpr Deadline minus_ms(std::int64_t ms) const {
    return is_never() ? *this : Deadline{unix_ms - ms};
  }
  friend constexpr auto operator<=>(const Deadline&, const Deadline&) = default;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_unix_ms() const = 0;
  virtual void sleep_ms(std::int64_t span_ms) = 0;

  // What is left until `deadline`, at least 0.
  std::int64_t remaining_ms(Deadline deadline) const;
  Deadline after_ms(std::int64_t span_ms) const { return {now_unix_ms() + span_ms}; }
};

class Random {
 public:
  virtual ~Random() = default;
  // Uniform in [0, bound); bound must be at least 1.
  virtual std::uint64_t below(std::uint64_t bound) = 0;
};

// The wall clock and the kernel's generator.
class SystemClock final : public Clock {
 public:
  std::int64_t now_unix_ms() const override;
  void sleep_ms(std::int64_t span_ms) override;
};

class SystemRandom final : public Random {
 public:
  std::uint64_t below(std::uint64_t bound) override;
};

}  // namespace sdk
