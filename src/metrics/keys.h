#pragma once

// The store keys of metrics (docs/formats/metrics.md). Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace metrics::keys {

inline constexpr std::string_view kSeries = "metrics/s/";
inline constexpr std::string_view kNextId = "metrics/next_id";

// How fine a point is.
enum class Grain : char {
  kMinute = 'm',
  kFiveMinutes = 'v',
};

inline std::string series(std::uint64_t id) {
  std::string key(kSeries);
  base::append_u64(key, id);
  return key;
}
// A point begins at `minute`, counted since 1970.
inline std::string points(Grain grain, std::uint64_t id) {
  std::string key = "metrics/";
  key += static_cast<char>(grain);
  key += '/';
  base::append_u64(key, id);
  return key;
}
inline std::string point(Grain grain, std::uint64_t id, std::int64_t minute) {
  std::string key = points(grain, id);
  base::append_u64(key, static_cast<std::uint64_t>(minute));
  return key;
}
// What a key of a series or of a point ends with.
inline std::uint64_t last_number(std::string_view key) {
  return base::read_u64(key.substr(key.size() - 8));
}

}  // namespace metrics::keys
