#include "auth/condition.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

#include "auth/pattern.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace auth::condition {
namespace {

using enum ConditionOperator;

struct Named {
  std::string_view name;
  ConditionOperator op;
  bool negated;
};

constexpr auto kOperators = std::to_array<Named>({
    {"StringEquals", kStringEquals, false},
    {"StringNotEquals", kStringEquals, true},
    {"StringEqualsIgnoreCase", kStringEqualsIgnoreCase, false},
    {"StringNotEqualsIgnoreCase", kStringEqualsIgnoreCase, true},
    {"StringLike", kStringLike, false},
    {"StringNotLike", kStringLike, true},
    {"NumericEquals", kNumericEquals, false},
    {"NumericNotEquals", kNumericEquals, true},
    {"NumericLessThan", kNumericLessThan, false},
    {"NumericLessThanEquals", kNumericLessThanEquals, false},
    {"NumericGreaterThan", kNumericGreaterThan, false},
    {"NumericGreaterThanEquals", kNumericGreaterThanEquals, false},
    {"DateEquals", kDateEquals, false},
    {"DateNotEquals", kDateEquals, true},
    {"DateLessThan", kDateLessThan, false},
    {"DateLessThanEquals", kDateLessThanEquals, false},
    {"DateGreaterThan", kDateGreaterThan, false},
    {"DateGreaterThanEquals", kDateGreaterThanEquals, false},
    {"Bool", kBool, false},
    {"BinaryEquals", kBinaryEquals, false},
    {"IpAddress", kIpAddress, false},
    {"NotIpAddress", kIpAddress, true},
    {"ArnEquals", kArnLike, false},
    {"ArnLike", kArnLike, false},
    {"ArnNotEquals", kArnLike, true},
    {"ArnNotLike", kArnLike, true},
    {"Null", kNull, false},
});

struct Address {
  std::array<std::uint8_t, 16> bytes{};
  unsigned bits = 0;  // 32 or 128
};

std::optional<Address> parse_address(std::string_view text) {
  const std::string terminated(text);
  Address address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) {
    address.bits = 32;
    return address;
  }
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) != 1) return std::nullopt;
  address.bits = 128;
  // A v4 address in v6 clothes, as dual-stack sockets report it.
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) return address;
  Address v4;
  v4.bits = 32;
  std::copy_n(address.bytes.begin() + 12, 4, v4.bytes.begin());
  return v4;
}

struct Range {
  Address network;
  unsigned prefix = 0;
};

std::optional<Range> parse_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto network = parse_address(text.substr(0, slash));
  if (!network) return std::nullopt;
  Range range{*network, network->bits};
  if (slash == std::string_view::npos) return range;
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), range.prefix);
  const bool whole = problem == std::errc() && end == digits.data() + digits.size();
  if (!whole || range.prefix > network->bits) return std::nullopt;
  return range;
}

bool in_range(const Range& range, const Address& address) {
  if (range.network.bits != address.bits) return false;
  for (unsigned bit = 0; bit < range.prefix; bit += 8) {
    const unsigned width = std::min(8U, range.prefix - bit);
    const auto mask = static_cast<std::uint8_t>(0xffU << (8U - width));
    if ((range.network.bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

// The six parts of an ARN are compared one by one, so a '*' stays within its part.
bool arn_matches(std::string_view pattern, std::string_view text) {
  if (pattern == "*") return true;
  if (std::ranges::count(pattern, ':') < 5) return false;
  for (int part = 0; part < 5; ++part) {
    const std::size_t pattern_end = pattern.find(':');
    const std::size_t text_end = text.find(':');
    if (text_end == std::string_view::npos) return false;
    if (!pattern::glob(pattern.substr(0, pattern_end), text.substr(0, text_end))) return false;
    pattern.remove_prefix(pattern_end + 1);
    text.remove_prefix(text_end + 1);
  }
  return pattern::glob(pattern, text);
}

template <class T>
bool compare(ConditionOperator op, const T& actual, const T& wanted) {
  switch (op) {
    case kNumericEquals:
    case kDateEquals: return actual == wanted;
    case kNumericLessThan:
    case kDateLessThan: return actual < wanted;
    case kNumericLessThanEquals:
    case kDateLessThanEquals: return actual <= wanted;
    case kNumericGreaterThan:
    case kDateGreaterThan: return actual > wanted;
    case kNumericGreaterThanEquals:
    case kDateGreaterThanEquals: return actual >= wanted;
    default: return false;
  }
}

template <class Parse>
bool compare_parsed(ConditionOperator op, std::string_view actual, std::string_view wanted,
                    Parse parse) {
  const auto a = parse(actual);
  const auto b = parse(wanted);
  return a && b && compare(op, *a, *b);
}

// `wanted` is the document's value, its variables replaced.
bool value_matches(ConditionOperator op, const Pattern& wanted, std::string_view actual) {
  switch (op) {
    case kStringLike: return matches(wanted, actual);
    case kArnLike: return arn_matches(wanted.text, actual);
    default: break;
  }
  const std::string text = pattern::literal(wanted);
  switch (op) {
    case kStringEquals: return text == actual;
    case kStringEqualsIgnoreCase:
    case kBool: return pattern::lower(text) == pattern::lower(actual);
    case kBinaryEquals: {
      const auto bytes = base::from_base64(text);
      return bytes && (*bytes == actual || text == actual);
    }
    case kIpAddress: {
      const auto range = parse_range(text);
      const auto address = parse_address(actual);
      return range && address && in_range(*range, *address);
    }
    case kDateEquals:
    case kDateLessThan:
    case kDateLessThanEquals:
    case kDateGreaterThan:
    case kDateGreaterThanEquals: return compare_parsed(op, actual, text, parse_date);
    default: return compare_parsed(op, actual, text, parse_number);
  }
}

bool any_wanted(const Condition& condition, const Context& context, std::string_view actual) {
  return std::ranges::any_of(condition.values, [&](const Pattern& value) {
    if (!value.has_variables) return value_matches(condition.op, value, actual);
    const auto expanded = pattern::expand(value, context);
    return expanded && value_matches(condition.op, *expanded, actual);
  });
}

bool null_holds(const Condition& condition, bool missing) {
  return std::ranges::any_of(condition.values, [&](const Pattern& value) {
    return pattern::lower(value.text) == (missing ? "true" : "false");
  });
}

}  // namespace

std::optional<Condition> parse_operator(std::string_view name) {
  Condition condition;
  constexpr std::string_view kAll = "ForAllValues:";
  constexpr std::string_view kAny = "ForAnyValue:";
  constexpr std::string_view kIfExists = "IfExists";
  if (name.starts_with(kAll)) {
    condition.set = ConditionSet::kForAllValues;
    name.remove_prefix(kAll.size());
  } else if (name.starts_with(kAny)) {
    condition.set = ConditionSet::kForAnyValue;
    name.remove_prefix(kAny.size());
  }
  if (name.ends_with(kIfExists)) {
    condition.if_exists = true;
    name.remove_suffix(kIfExists.size());
  }
  for (const Named& known : kOperators) {
    if (known.name != name) continue;
    if (known.op == kNull && condition.if_exists) return std::nullopt;
    condition.op = known.op;
    condition.negated = known.negated;
    return condition;
  }
  return std::nullopt;
}

bool holds(const Condition& condition, const Context& context) {
  const std::vector<std::string>* actual = context.find(condition.key);
  const bool missing = actual == nullptr || actual->empty();
  if (condition.op == kNull) return null_holds(condition, missing);
  if (missing) {
    if (condition.if_exists || condition.set == ConditionSet::kForAllValues) return true;
    return condition.negated && condition.set == ConditionSet::kNone;
  }
  const auto one_holds = [&](const std::string& value) {
    return any_wanted(condition, context, value) != condition.negated;
  };
  switch (condition.set) {
    case ConditionSet::kForAllValues: return std::ranges::all_of(*actual, one_holds);
    case ConditionSet::kForAnyValue: return std::ranges::any_of(*actual, one_holds);
    case ConditionSet::kNone: break;
  }
  // Without a set word "not equal" means that none of the values is equal.
  return condition.negated ? std::ranges::all_of(*actual, one_holds)
                           : std::ranges::any_of(*actual, one_holds);
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<base::Timestamp> parse_date(std::string_view text) {
  if (const auto time = base::parse_iso8601(text)) return time;
  if (text.size() == 10 && text[4] == '-')
    return base::parse_iso8601(std::string(text) + "T00:00:00Z");
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (seconds < 0 || seconds > kSecondsMax) return std::nullopt;
  return base::from_epoch_ms(seconds * 1'000);
}

bool is_address_range(std::string_view text) { return parse_range(text).has_value(); }

}  // namespace auth::condition
