#include "tables/number.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "tables/number_expectations.h"

namespace tables {
namespace {

std::string shown(const std::expected<Number, std::string>& number) {
  if (number) return number->to_string();
  if (number.error().starts_with("Number overflow")) return "overflow";
  if (number.error().starts_with("Number underflow")) return "underflow";
  return number.error();
}

std::string key(const Number& number) {
  std::string bytes;
  number.append_key(bytes);
  return bytes;
}

TEST(NumberTest, AgreesWithDecimalArithmetic) {
  for (const Expectation& row : kExpectations) {
    const auto a = Number::parse(row.a);
    const auto b = Number::parse(row.b);
    ASSERT_TRUE(a && b) << row.a << " " << row.b;
    EXPECT_EQ(a->to_string(), row.normal);
    EXPECT_EQ(shown(Number::add(*a, *b)), row.sum) << row.a << " + " << row.b;
    EXPECT_EQ(shown(Number::subtract(*a, *b)), row.difference) << row.a << " - " << row.b;
    EXPECT_EQ((*a > *b) - (*a < *b), row.order) << row.a << " <=> " << row.b;
    EXPECT_EQ((key(*a) > key(*b)) - (key(*a) < key(*b)), row.order);
  }
}

TEST(NumberTest, NormalisesAsAwsDoes) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"3", "3"},        {"-7.1234", "-7.1234"}, {"-17e5", "-1700000"}, {"+3", "3"},
      {".123", "0.123"}, {"0001.230", "1.23"},   {"1e+5", "100000"},    {"0e1000", "0"},
      {"-0", "0"},       {"-0.0", "0"},          {"1.", "1"},           {"100e-2", "1"},
  };
  for (const auto& [text, normal] : rows) EXPECT_EQ(shown(Number::parse(text)), normal) << text;
  EXPECT_EQ(shown(Number::parse("1e-130")), "0." + std::string(129, '0') + "1");
  EXPECT_EQ(shown(Number::parse("9e125")), "9" + std::string(125, '0'));
}

TEST(NumberTest, RefusesWithAwsTexts) {
  const std::string numeric = "The parameter cannot be converted to a numeric value";
  EXPECT_EQ(shown(Number::parse("")), numeric);
  for (const std::string text : {"NaN", "Infinity", "dog", " 1", "1 ", "-", ".", "1e", "1e+", "--1",
                                 "1.2.3", "0x1", "1e1.5", "e5"})
    EXPECT_EQ(shown(Number::parse(text)), numeric + ": " + text);
  for (const std::string_view text : {"1e126", "11e125", "-1e126", "1e100000000000000000000"})
    EXPECT_EQ(shown(Number::parse(text)), "overflow") << text;
  for (const std::string_view text : {"1e-131", "0.9e-130", "-1e-99999999999999999"})
    EXPECT_EQ(shown(Number::parse(text)), "underflow") << text;
  EXPECT_EQ(shown(Number::parse("3.14159265358979323846264338327950288419")),
            "Attempting to store more than 38 significant digits in a Number");
}

TEST(NumberTest, ResultsOutOfRangeAreRefused) {
  const auto n = [](std::string_view text) { return *Number::parse(text); };
  EXPECT_EQ(shown(Number::add(n("9e125"), n("9e125"))), "overflow");
  EXPECT_EQ(shown(Number::subtract(n("1e50"), n("1"))), "overflow");
  EXPECT_EQ(shown(Number::subtract(n("1.1e-130"), n("1e-130"))), "underflow");
  EXPECT_EQ(shown(Number::add(n("1e125"), n("-1e-130"))), "overflow");
}

TEST(NumberTest, KeysOrderAsNumbersDoAndNoneIsAPrefix) {
  base::SeededRandom random(11);
  std::vector<Number> numbers = {Number(), Number::of(1), Number::of(-1), Number::of(10)};
  for (int i = 0; i < 300; ++i) {
    std::string text = random.below(2) == 0 ? "-" : "";
    const std::uint64_t digits = 1 + random.below(38);
    for (std::uint64_t d = 0; d < digits; ++d) text += char('0' + random.below(10));
    text += "e" + std::to_string(int(random.below(180)) - 100);
    if (const auto number = Number::parse(text)) numbers.push_back(*number);
  }
  for (const Number& a : numbers) {
    for (const Number& b : numbers) {
      EXPECT_EQ(a < b, key(a) < key(b)) << a.to_string() << " " << b.to_string();
      EXPECT_EQ(a == b, key(a) == key(b));
      if (a != b) {
        EXPECT_FALSE(key(a).starts_with(key(b)));
      }
    }
  }
}

TEST(NumberTest, IntegersComeBack) {
  for (const std::int64_t value : {0L, 1L, -1L, 1'800'000'000L, INT64_MAX, INT64_MIN, 1000L})
    EXPECT_EQ(Number::of(value).to_int64(), value);
  EXPECT_EQ(Number::parse("1.5")->to_int64(), std::nullopt);
  EXPECT_EQ(Number::parse("1e19")->to_int64(), std::nullopt);
}

TEST(NumberTest, ThePartBeforeThePointComesBack) {
  EXPECT_EQ(Number::parse("1763900000.123456")->whole_part(), 1'763'900'000);
  EXPECT_EQ(Number::parse("-12.9")->whole_part(), -12);
  EXPECT_EQ(Number::parse("0.99")->whole_part(), 0);
  EXPECT_EQ(Number::parse("1e20")->whole_part(), std::nullopt);
}

}  // namespace
}  // namespace tables
