#pragma once

// Number: a DynamoDB number, exact decimal: up to 38 significant digits, magnitudes from 1e-130 to
// 9.99...e125, and zero. A value without heap memory; pure and thread-safe.

#include <array>
#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace tables {

class Number {
 public:
  static constexpr int kDigitsMax = 38;
  static constexpr int kExponentMax = 125;
  static constexpr int kExponentMin = -130;

  Number() = default;  // zero

  // The error is AWS's text.
  static std::expected<Number, std::string> parse(std::string_view text);
  static Number of(std::int64_t value);

  // The one way AWS writes a number: no exponent, no superfluous zeros, no "-0".
  std::string to_string() const;

  // Exact sum and difference; the error is AWS's text (also for a result of over 38 digits, which
  // AWS calls an overflow).
  static std::expected<Number, std::string> add(const Number& a, const Number& b);
  static std::expected<Number, std::string> subtract(const Number& a, const Number& b);

  std::strong_ordering operator<=>(const Number& other) const;
  bool operator==(const Number& other) const = default;

  bool is_zero() const { return count_ == 0; }
  bool is_negative() const { return negative_; }
  int digits() const { return count_; }
  // The bytes that this number counts for in an item's size.
  int stored_size() const;
  // The same of a positive number: of its significant digits, and the exponent of the first.
  static int stored_size(int digits, int exponent);
  // nullopt if it is no integer, or out of int64's range.
  std::optional<std::int64_t> to_int64() const;
  // As to_int64(), without the part behind the point.
  std::optional<std::int64_t> whole_part() const;

  // Appends bytes whose order is the order of numbers; no encoding is the prefix of another.
  void append_key(std::string& out) const;

 private:
  static std::expected<Number, std::string> sum(const Number& a, const Number& b);
  static std::strong_ordering compare_magnitude(const Number& a, const Number& b);

  // digits_[0].digits_[1]... x 10^exponent_; no leading and no trailing zeros.
  std::array<std::uint8_t, kDigitsMax> digits_{};
  std::int16_t exponent_ = 0;
  std::uint8_t count_ = 0;
  bool negative_ = false;
};

}  // namespace tables
