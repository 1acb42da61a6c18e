#include "sdk/time_text.h"

#include <chrono>
#include <cstdio>

namespace sdk {
namespace {

struct Fields {
  int year;
  unsigned month, day;
  int hour, minute, second, millisecond;
};

Fields fields_of(std::int64_t unix_ms) {
  namespace chrono = std::chrono;
  const chrono::sys_time<chrono::milliseconds> point{chrono::milliseconds(unix_ms)};
  const auto day = chrono::floor<chrono::days>(point);
  const chrono::year_month_day date(day);
  const int ms = static_cast<int>((point - day).count());
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          ms / 3'600'000,
          ms / 60'000 % 60,
          ms / 1000 % 60,
          ms % 1000};
}

}  // namespace

std::string iso8601_ms(std::int64_t unix_ms) {
  const Fields f = fields_of(unix_ms);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", f.year, f.month, f.day,
                f.hour, f.minute, f.second, f.millisecond);
  return text;
}

std::string basic_iso8601(std::int64_t unix_ms) {
  const Fields f = fields_of(unix_ms);
  char text[64];
  std::snprintf(text, sizeof text, "%04d%02u%02uT%02d%02d%02dZ", f.year, f.month, f.day, f.hour,
                f.minute, f.second);
  return text;
}

}  // namespace sdk
