#include "wire/scalars.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/time_text.h"

namespace wire {
namespace {

using api::Kind;
using api::TimeFormat;

// The first moment of year 1 and the last of year 9999.
constexpr double kFirstMs = -62'135'596'800'000;
constexpr double kLastMs = 253'402'300'799'999;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : 63;
}

// True when the last character before the padding says more bits than there are bytes for.
bool loses_bits(std::string_view text) {
  if (text.ends_with("==")) return (base64_value(text[text.size() - 3]) & 15) != 0;
  if (text.ends_with('=')) return (base64_value(text[text.size() - 2]) & 3) != 0;
  return false;
}

template <class T>
bool parse_whole(std::string_view text, void* slot) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  *static_cast<T*>(slot) = value;
  return true;
}

template <class T>
bool assign(std::optional<T> value, void* slot) {
  if (!value) return false;
  *static_cast<T*>(slot) = *std::move(value);
  return true;
}

}  // namespace

std::optional<bool> parse_loose_boolean(std::string_view text) {
  if (text.size() > 5) return std::nullopt;
  std::string word(text);
  std::ranges::transform(word, word.begin(), lower);
  if (word == "true" || word == "1" || word == "yes") return true;
  if (word == "false" || word == "0" || word == "no") return false;
  return std::nullopt;
}

std::optional<std::string> parse_blob(std::string_view text) {
  auto bytes = base::from_base64(text);
  if (!bytes || loses_bits(text)) return std::nullopt;
  return bytes;
}

base::Timestamp time_from_ms(double ms) {
  return base::from_epoch_ms(clamp_to<std::int64_t>(std::clamp(ms, kFirstMs, kLastMs)));
}

base::Timestamp time_from_seconds(double seconds) {
  return time_from_ms(std::round(seconds * 1000));
}

std::optional<base::Timestamp> parse_any_date(std::string_view text) {
  const auto iso = base::parse_iso8601(text);
  return iso ? iso : base::parse_http_date(text);
}

std::optional<base::Timestamp> parse_time(std::string_view text) {
  const auto date = parse_any_date(text);
  if (date) return date;
  double seconds = 0;
  if (!parse_whole<double>(text, &seconds) || !std::isfinite(seconds)) return std::nullopt;
  return time_from_seconds(seconds);
}

std::string time_text(base::Timestamp time, TimeFormat format) {
  if (format == TimeFormat::kHttpDate) return base::http_date(time);
  if (format != TimeFormat::kEpochSeconds) return base::iso8601_ms(time);
  std::string out;
  append_epoch_seconds(out, time);
  return out;
}

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_epoch_seconds(std::string& out, base::Timestamp time) {
  std::int64_t ms = base::to_epoch_ms(time);
  if (ms < 0) out += '-';
  // Unsigned, because the smallest number has no opposite.
  const std::uint64_t size =
      ms < 0 ? 0 - static_cast<std::uint64_t>(ms) : static_cast<std::uint64_t>(ms);
  append_integer(out, static_cast<std::int64_t>(size / 1000));
  const auto fraction = static_cast<unsigned>(size % 1000);
  out += '.';
  out += static_cast<char>('0' + fraction / 100);
  if (fraction % 100 == 0) return;
  out += static_cast<char>('0' + fraction / 10 % 10);
  if (fraction % 10 != 0) out += static_cast<char>('0' + fraction % 10);
}

bool parse_scalar(std::string_view text, const api::Shape& shape, void* slot) {
  switch (shape.kind) {
    case Kind::kBoolean: return assign<bool>(parse_loose_boolean(text), slot);
    case Kind::kInteger: return parse_whole<std::int32_t>(text, slot);
    case Kind::kLong: return parse_whole<std::int64_t>(text, slot);
    case Kind::kFloat:
    case Kind::kDouble: return parse_whole<double>(text, slot);
    case Kind::kString: return assign<std::string>(std::string(text), slot);
    case Kind::kBlob: return assign<std::string>(parse_blob(text), slot);
    case Kind::kTimestamp: return assign<base::Timestamp>(parse_time(text), slot);
    default: return false;
  }
}

std::string scalar_text(const api::Shape& shape, const void* value, TimeFormat format) {
  std::string out;
  switch (shape.kind) {
    case Kind::kBoolean: return *static_cast<const bool*>(value) ? "true" : "false";
    case Kind::kInteger: append_integer(out, *static_cast<const std::int32_t*>(value)); break;
    case Kind::kLong: append_integer(out, *static_cast<const std::int64_t*>(value)); break;
    case Kind::kFloat:
    case Kind::kDouble: append_double(out, *static_cast<const double*>(value)); break;
    case Kind::kString: return *static_cast<const std::string*>(value);
    case Kind::kBlob: return base::base64(*static_cast<const std::string*>(value));
    case Kind::kTimestamp: return time_text(*static_cast<const base::Timestamp*>(value), format);
    default: break;
  }
  return out;
}

TimeFormat time_format(const api::Member& member, TimeFormat protocol) {
  if (member.time_format != TimeFormat::kProtocol) return member.time_format;
  if (member.shape->time_format != TimeFormat::kProtocol) return member.shape->time_format;
  return protocol;
}

}  // namespace wire
