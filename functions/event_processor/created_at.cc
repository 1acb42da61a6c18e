#include "event_processor/created_at.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "sdk/time_text.h"

namespace event_processor {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// Takes text from the front; once something did not fit, stays failed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count) return fail();
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  void literal(char c) {
    if (!optional_literal(c)) fail();
  }

  bool optional_literal(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // The position of the word of three letters that comes next.
  template <std::size_t N>
  int word(const std::array<std::string_view, N>& words) {
    const auto found = std::ranges::find(words, rest_.substr(0, 3));
    if (found == words.end()) return fail();
    rest_.remove_prefix(3);
    return static_cast<int>(found - words.begin());
  }

  // Minutes east of UTC: +hhmm, or +hh:mm, or Z if allowed.
  int offset_minutes(bool rfc3339) {
    if (rfc3339 && optional_literal('Z')) return 0;
    const bool west = optional_literal('-');
    if (!west) literal('+');
    const int hours = digits(2);
    if (rfc3339) literal(':');
    const int minutes = digits(2);
    if (hours > 23 || minutes > 59) return fail();
    return (hours * 60 + minutes) * (west ? -1 : 1);
  }

  // ".5" -> 500; more than three digits are cut.
  int fraction_ms() {
    if (!optional_literal('.')) return 0;
    int value = 0;
    int count = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      if (count++ < 3) value = value * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    if (count == 0) return fail();
    for (; count < 3; ++count) value *= 10;
    return value;
  }

  int fail() {
    failed_ = true;
    return 0;
  }
  bool finished() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0, offset_minutes = 0;
};

void scan_time(Scanner& scan, Fields& f) {
  f.hour = scan.digits(2);
  scan.literal(':');
  f.minute = scan.digits(2);
  scan.literal(':');
  f.second = scan.digits(2);
}

std::optional<Fields> scan_twitter(std::string_view text) {
  Scanner scan(text);
  Fields f;
  scan.word(kDays);
  scan.literal(' ');
  f.month = scan.word(kMonths) + 1;
  scan.literal(' ');
  f.day = scan.digits(2);
  scan.literal(' ');
  scan_time(scan, f);
  scan.literal(' ');
  f.offset_minutes = scan.offset_minutes(false);
  scan.literal(' ');
  f.year = scan.digits(4);
  return scan.finished() ? std::optional(f) : std::nullopt;
}

std::optional<Fields> scan_rfc3339(std::string_view text) {
  Scanner scan(text);
  Fields f;
  f.year = scan.digits(4);
  scan.literal('-');
  f.month = scan.digits(2);
  scan.literal('-');
  f.day = scan.digits(2);
  scan.literal('T');
  scan_time(scan, f);
  f.ms = scan.fraction_ms();
  f.offset_minutes = scan.offset_minutes(true);
  return scan.finished() ? std::optional(f) : std::nullopt;
}

}  // namespace

std::optional<std::string> timestamp_from(std::string_view created_at) {
  namespace chrono = std::chrono;
  auto fields = scan_twitter(created_at);
  if (!fields) fields = scan_rfc3339(created_at);
  if (!fields) return std::nullopt;
  const chrono::year_month_day date{chrono::year(fields->year),
                                    chrono::month(static_cast<unsigned>(fields->month)),
                                    chrono::day(static_cast<unsigned>(fields->day))};
  if (!date.ok() || fields->hour > 23 || fields->minute > 59 || fields->second > 59) {
    return std::nullopt;
  }
  const auto point = chrono::sys_days(date) + chrono::hours(fields->hour) +
                     chrono::minutes(fields->minute - fields->offset_minutes) +
                     chrono::seconds(fields->second) + chrono::milliseconds(fields->ms);
  // An offset may push the first or last hours out of the years that four digits can name.
  constexpr chrono::sys_days kFirst = chrono::year(0) / 1 / 1;
  constexpr chrono::sys_days kBehindLast = chrono::year(10000) / 1 / 1;
  if (point < kFirst || point >= kBehindLast) return std::nullopt;
  return sdk::iso8601_ms(point.time_since_epoch().count());
}

}  // namespace event_processor
