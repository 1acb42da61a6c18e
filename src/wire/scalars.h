#pragma once

// Text forms of single values, shared by the codecs. Pure functions, thread-safe.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "api/shape.h"
#include "base/clock.h"

namespace wire {

// Structures in the lists and maps of one body: "{}" is two bytes there and may be a kilobyte here.
inline constexpr std::size_t kStructuresMax = 100'000;

// "true", "1", "yes" and their opposites in any case, as AWS reads booleans that are strings.
std::optional<bool> parse_loose_boolean(std::string_view text);

// Strict base64: no bits lost in the last character.
std::optional<std::string> parse_blob(std::string_view text);

// Seconds since the epoch; out of range becomes the first or last moment of years 1 to 9999.
base::Timestamp time_from_seconds(double seconds);
base::Timestamp time_from_ms(double ms);
// ISO 8601 or an HTTP date.
std::optional<base::Timestamp> parse_any_date(std::string_view text);
// ISO 8601, an HTTP date, or seconds since the epoch.
std::optional<base::Timestamp> parse_time(std::string_view text);

std::string time_text(base::Timestamp time, api::TimeFormat format);

// The nearest T to a number; 0 for NaN.
template <class T>
T clamp_to(double value) {
  constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
  if (std::isnan(value)) return 0;
  if (value <= kLow) return std::numeric_limits<T>::min();
  if (value >= kHigh) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

// "1.0", "0.25", "1e+21"; NaN, Infinity and -Infinity by name.
void append_double(std::string& out, double value);
void append_integer(std::string& out, std::int64_t value);
// "1795409460.123", "1795409460.0"
void append_epoch_seconds(std::string& out, base::Timestamp time);

// Scalars out of and into text, for protocols where everything is text (XML, Query, headers, URI).
// `format` is the timestamp's where the model leaves it to the protocol. False: not such a value.
bool parse_scalar(std::string_view text, const api::Shape& shape, void* slot);
std::string scalar_text(const api::Shape& shape, const void* value, api::TimeFormat format);

// The member's format, else its shape's, else the protocol's.
api::TimeFormat time_format(const api::Member& member, api::TimeFormat protocol);

inline bool is_scalar(api::Kind kind) { return kind < api::Kind::kList; }

}  // namespace wire
