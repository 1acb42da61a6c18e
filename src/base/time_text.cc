#include "base/time_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace base {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Fields {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0;
};

Fields fields_of(Timestamp time) {
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<unsigned>(clock.hours().count()),
          static_cast<unsigned>(clock.minutes().count()),
          static_cast<unsigned>(clock.seconds().count()),
          static_cast<unsigned>(clock.subseconds().count())};
}

std::optional<Timestamp> from_fields(const Fields& f) {
  const std::chrono::year_month_day date{std::chrono::year(f.year), std::chrono::month(f.month),
                                         std::chrono::day(f.day)};
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;
  return Timestamp(std::chrono::sys_days(date)) + hours(f.hour) + minutes(f.minute) +
         seconds(f.second) + Milliseconds(f.ms);
}

// Takes exactly `width` digits from the front of `text`.
template <class T>
bool take_number(std::string_view& text, std::size_t width, T& out) {
  if (text.size() < width) return false;
  for (std::size_t i = 0; i < width; ++i)
    if (text[i] < '0' || text[i] > '9') return false;
  std::from_chars(text.data(), text.data() + width, out);
  text.remove_prefix(width);
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// ".123456" -> 123 ms; AWS reads any number of digits.
bool take_fraction(std::string_view& text, unsigned& ms) {
  if (!take(text, '.')) return true;
  unsigned scale = 100;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    ms += scale * static_cast<unsigned>(text[digits] - '0');
    scale /= 10;
    ++digits;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

std::optional<minutes> take_offset(std::string_view& text) {
  if (text.empty() || take(text, 'Z')) return minutes(0);
  const bool negative = text.starts_with('-');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  int hour = 0;
  int minute = 0;
  if (!take_number(text, 2, hour)) return std::nullopt;
  take(text, ':');
  if (!take_number(text, 2, minute)) return std::nullopt;
  const minutes offset(hour * 60 + minute);
  return negative ? -offset : offset;
}

}  // namespace

std::string iso8601(Timestamp time) {
  const Fields f = fields_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", f.year, f.month, f.day, f.hour,
                     f.minute, f.second);
}

std::string iso8601_ms(Timestamp time) {
  const Fields f = fields_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", f.year, f.month, f.day, f.hour,
                     f.minute, f.second, f.ms);
}

std::string http_date(Timestamp time) {
  const Fields f = fields_of(time);
  const std::chrono::weekday weekday(floor<days>(time));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday.c_encoding()], f.day,
                     kMonths[f.month - 1], f.year, f.hour, f.minute, f.second);
}

std::string amz_date(Timestamp time) {
  const Fields f = fields_of(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", f.year, f.month, f.day, f.hour, f.minute,
                     f.second);
}

std::optional<Timestamp> parse_iso8601(std::string_view text) {
  Fields f;
  const bool date = take_number(text, 4, f.year) && take(text, '-') &&
                    take_number(text, 2, f.month) && take(text, '-') && take_number(text, 2, f.day);
  if (!date) return std::nullopt;
  if (text.empty()) return from_fields(f);
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const bool clock = take_number(text, 2, f.hour) && take(text, ':') &&
                     take_number(text, 2, f.minute) && take(text, ':') &&
                     take_number(text, 2, f.second) && take_fraction(text, f.ms);
  if (!clock) return std::nullopt;
  const auto offset = take_offset(text);
  const auto time = from_fields(f);
  if (!offset || !time || !text.empty()) return std::nullopt;
  return *time - *offset;
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  Fields f;
  const std::size_t comma = text.find(", ");
  if (comma == std::string_view::npos) return std::nullopt;
  text.remove_prefix(comma + 2);
  if (!take_number(text, 2, f.day) || !take(text, ' ')) return std::nullopt;
  for (unsigned i = 0; i < kMonths.size(); ++i)
    if (text.starts_with(kMonths[i])) f.month = i + 1;
  if (f.month == 0) return std::nullopt;
  text.remove_prefix(3);
  const bool rest = take(text, ' ') && take_number(text, 4, f.year) && take(text, ' ') &&
                    take_number(text, 2, f.hour) && take(text, ':') &&
                    take_number(text, 2, f.minute) && take(text, ':') &&
                    take_number(text, 2, f.second);
  if (!rest || text != " GMT") return std::nullopt;
  return from_fields(f);
}

std::optional<Timestamp> parse_amz_date(std::string_view text) {
  Fields f;
  const bool ok = take_number(text, 4, f.year) && take_number(text, 2, f.month) &&
                  take_number(text, 2, f.day) && take(text, 'T') && take_number(text, 2, f.hour) &&
                  take_number(text, 2, f.minute) && take_number(text, 2, f.second);
  if (!ok || text != "Z") return std::nullopt;
  return from_fields(f);
}

}  // namespace base
