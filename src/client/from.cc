#include "client/from.h"

#include <charconv>

#include "base/time_text.h"

namespace client {
namespace {

using Kind = From::Kind;

constexpr std::string_view kDigits = "0123456789";
// Sequence numbers have 49 digits and more; seconds since 1970 have ten today.
constexpr std::size_t kSecondsDigitsMax = 12;

template <class T>
bool read_whole(std::string_view text, T& value) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size();
}

std::int64_t ms_of_unit(char unit) {
  if (unit == 's') return 1'000;
  if (unit == 'm') return 60'000;
  if (unit == 'h') return 3'600'000;
  if (unit == 'd') return 86'400'000;
  return 0;
}

}  // namespace

base::Result<From> parse_from(std::string_view text, base::Timestamp now) {
  if (text == "trim") return From{.kind = Kind::kTrim};
  if (text == "latest") return From{.kind = Kind::kLatest};
  const bool number = !text.empty() && text.find_first_not_of(kDigits) == std::string_view::npos;
  if (number && text.size() > kSecondsDigitsMax)
    return From{.kind = Kind::kSequence, .sequence = std::string(text)};
  if (const auto time = base::parse_iso8601(text)) return From{.kind = Kind::kTime, .time = *time};
  double amount = 0;
  const std::int64_t unit = text.empty() ? 0 : ms_of_unit(text.back());
  if (unit > 0 && read_whole(text.substr(0, text.size() - 1), amount) && amount >= 0 &&
      amount * static_cast<double>(unit) < static_cast<double>(base::to_epoch_ms(now))) {
    const auto ago = static_cast<std::int64_t>(amount * static_cast<double>(unit));
    return From{.kind = Kind::kTime, .time = now - base::Milliseconds(ago)};
  }
  if (read_whole(text, amount) && amount >= 0 && amount < 1e12)
    return From{.kind = Kind::kTime,
                .time = base::from_epoch_ms(static_cast<std::int64_t>(amount * 1000))};
  return base::error(base::ErrorCode::kInvalidArgument,
                     "--from wants trim, latest, a time (2026-11-23T04:51:00Z, 1795409460, or 15m "
                     "for fifteen minutes ago) or a sequence number, not '" +
                         std::string(text) + "'");
}

}  // namespace client
