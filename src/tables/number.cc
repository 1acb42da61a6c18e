#include "tables/number.h"

#include <algorithm>

namespace tables {

namespace {

constexpr std::string_view kNotNumeric = "The parameter cannot be converted to a numeric value";
constexpr std::string_view kOverflow =
    "Number overflow. Attempting to store a number with magnitude larger than supported range";
constexpr std::string_view kUnderflow =
    "Number underflow. Attempting to store a number with magnitude smaller than supported range";
constexpr std::string_view kTooManyDigits =
    "Attempting to store more than 38 significant digits in a Number";

std::unexpected<std::string> wrong(std::string_view text) {
  return std::unexpected(std::string(text));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The exponent after 'e', held within a range that cannot overflow: anything beyond is out of
// range for a number of any length that fits into a request.
constexpr std::int64_t kExponentBound = 1'000'000'000;

// Key encoding: first byte.
constexpr char kNegative = 1, kZero = 2, kPositive = 3;

}  // namespace

std::expected<Number, std::string> Number::parse(std::string_view text) {
  if (text.empty()) return wrong(kNotNumeric);
  const auto not_numeric = [&] {
    return std::unexpected(std::string(kNotNumeric).append(": ").append(text));
  };
  std::size_t at = 0;
  Number number;
  if (text[at] == '-' || text[at] == '+') number.negative_ = text[at++] == '-';

  // Positions count digits from the first one that is not zero.
  std::int64_t kept = 0, before_point = 0, leading_zeros = 0, trailing_zeros = 0;
  bool any = false, point = false, started = false, too_many = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(c)) break;
    any = true;
    if (!started && c == '0') {
      if (point) ++leading_zeros;
      continue;
    }
    started = true;
    if (!point) ++before_point;
    if (c == '0') {
      ++trailing_zeros;
      continue;
    }
    kept += trailing_zeros;
    trailing_zeros = 0;
    if (kept < kDigitsMax) number.digits_[static_cast<std::size_t>(kept)] = std::uint8_t(c - '0');
    else too_many = true;
    ++kept;
  }
  if (!any) return not_numeric();

  std::int64_t exponent = 0;
  if (at < text.size()) {
    if (text[at] != 'e' && text[at] != 'E') return not_numeric();
    ++at;
    bool negative_exponent = false;
    if (at < text.size() && (text[at] == '-' || text[at] == '+'))
      negative_exponent = text[at++] == '-';
    if (at == text.size()) return not_numeric();
    for (; at < text.size(); ++at) {
      if (!is_digit(text[at])) return not_numeric();
      exponent = std::min(exponent * 10 + (text[at] - '0'), kExponentBound);
    }
    if (negative_exponent) exponent = -exponent;
  }
  if (!started) return Number();
  exponent += before_point > 0 ? before_point - 1 : -leading_zeros - 1;
  if (exponent > kExponentMax) return wrong(kOverflow);
  if (exponent < kExponentMin) return wrong(kUnderflow);
  if (too_many) return wrong(kTooManyDigits);
  number.count_ = static_cast<std::uint8_t>(kept);
  number.exponent_ = static_cast<std::int16_t>(exponent);
  return number;
}

Number Number::of(std::int64_t value) { return *parse(std::to_string(value)); }

std::string Number::to_string() const {
  if (is_zero()) return "0";
  std::string text;
  if (negative_) text += '-';
  const auto digit = [&](int index) {
    return static_cast<char>('0' + digits_[std::size_t(index)]);
  };
  if (exponent_ < 0) {
    text += "0.";
    text.append(static_cast<std::size_t>(-exponent_ - 1), '0');
    for (int i = 0; i < count_; ++i) text += digit(i);
    return text;
  }
  for (int i = 0; i <= exponent_; ++i) text += i < count_ ? digit(i) : '0';
  if (count_ > exponent_ + 1) text += '.';
  for (int i = exponent_ + 1; i < count_; ++i) text += digit(i);
  return text;
}

std::strong_ordering Number::compare_magnitude(const Number& a, const Number& b) {
  if (a.is_zero() || b.is_zero()) return a.count_ <=> b.count_;
  if (a.exponent_ != b.exponent_) return a.exponent_ <=> b.exponent_;
  // Unused digits are zero, so arrays compare like numbers.
  return a.digits_ <=> b.digits_;
}

std::strong_ordering Number::operator<=>(const Number& other) const {
  if (negative_ != other.negative_)
    return negative_ ? std::strong_ordering::less : std::strong_ordering::greater;
  return negative_ ? compare_magnitude(other, *this) : compare_magnitude(*this, other);
}

std::expected<Number, std::string> Number::add(const Number& a, const Number& b) {
  return sum(a, b);
}

std::expected<Number, std::string> Number::subtract(const Number& a, const Number& b) {
  Number minus_b = b;
  if (!b.is_zero()) minus_b.negative_ = !b.negative_;
  return sum(a, minus_b);
}

std::expected<Number, std::string> Number::sum(const Number& a, const Number& b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  const bool a_is_larger = compare_magnitude(a, b) >= 0;
  const Number& large = a_is_larger ? a : b;
  const Number& small = a_is_larger ? b : a;
  // Column 0 is a carry, column 1 the larger number's first digit. The whole range is 256 digits
  // wide, so every sum fits here exactly.
  constexpr int kColumns = kExponentMax - kExponentMin + kDigitsMax + 2;
  std::array<std::int8_t, kColumns> columns{};
  const int shift = large.exponent_ - small.exponent_;
  const int used = std::max<int>(large.count_, small.count_ + shift) + 1;
  const int sign = large.negative_ == small.negative_ ? 1 : -1;
  for (int i = 0; i < large.count_; ++i)
    columns[std::size_t(i + 1)] = std::int8_t(large.digits_[std::size_t(i)]);
  for (int i = 0; i < small.count_; ++i) {
    auto& column = columns[std::size_t(i + shift + 1)];
    column = std::int8_t(column + sign * small.digits_[std::size_t(i)]);
  }
  for (int i = used - 1; i > 0; --i) {
    auto& column = columns[std::size_t(i)];
    auto& next = columns[std::size_t(i - 1)];
    if (column > 9) column = std::int8_t(column - 10), ++next;
    if (column < 0) column = std::int8_t(column + 10), --next;
  }
  int first = 0, last = used - 1;
  while (first <= last && columns[std::size_t(first)] == 0) ++first;
  if (first > last) return Number();
  while (columns[std::size_t(last)] == 0) --last;
  const int exponent = large.exponent_ + 1 - first;
  if (exponent > kExponentMax || last - first + 1 > kDigitsMax) return wrong(kOverflow);
  if (exponent < kExponentMin) return wrong(kUnderflow);
  Number result;
  result.negative_ = large.negative_;
  result.exponent_ = static_cast<std::int16_t>(exponent);
  result.count_ = static_cast<std::uint8_t>(last - first + 1);
  for (int i = first; i <= last; ++i)
    result.digits_[std::size_t(i - first)] = std::uint8_t(columns[std::size_t(i)]);
  return result;
}

int Number::stored_size() const {
  if (is_zero()) return 1;
  return stored_size(count_, exponent_) + (negative_ ? 1 : 0);
}

int Number::stored_size(int digits, int exponent) {
  const bool aligned = digits % 2 != 0 || exponent % 2 != 0;
  return 1 + (digits + 1) / 2 + (aligned ? 0 : 1);
}

std::optional<std::int64_t> Number::to_int64() const {
  if (!is_zero() && count_ > exponent_ + 1) return std::nullopt;
  return whole_part();
}

std::optional<std::int64_t> Number::whole_part() const {
  if (is_zero() || exponent_ < 0) return 0;
  if (exponent_ > 18) return std::nullopt;
  // Up to 19 digits fit an unsigned 64-bit integer.
  std::uint64_t value = 0;
  for (int i = 0; i <= exponent_; ++i)
    value = value * 10 + (i < count_ ? digits_[std::size_t(i)] : 0U);
  constexpr auto kMax = std::uint64_t(INT64_MAX);
  if (negative_) {
    if (value > kMax + 1) return std::nullopt;
    return static_cast<std::int64_t>(~value + 1);
  }
  if (value > kMax) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

void Number::append_key(std::string& out) const {
  if (is_zero()) {
    out += kZero;
    return;
  }
  out += negative_ ? kNegative : kPositive;
  const auto put = [&](int byte) { out += static_cast<char>(negative_ ? 255 - byte : byte); };
  put(exponent_ - kExponentMin);
  // Pairs of digits as 1..100, closed by 0: a longer number with the same start is the greater.
  for (std::size_t i = 0; i < count_; i += 2)
    put(digits_[i] * 10 + (i + 1 < count_ ? digits_[i + 1] : 0) + 1);
  put(0);
}

}  // namespace tables
