#pragma once

// One condition on one value: an element of a pattern's list. Immutable values.

#include <array>
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace patterns {

struct Network {
  std::array<unsigned char, 16> address{};
  int family = 0;  // AF_INET or AF_INET6
  int bits = 0;
};

struct Condition {
  enum class Kind {
    kLiteral,    // string, number, true, false, null
    kPrefix,     // of a string
    kSuffix,     // of a string
    kWhole,      // a string as a whole
    kWildcard,   // `pieces` with anything between them
    kNumeric,    // a range
    kCidr,       // a string that is an address in a network
    kExists,     // any value at all
    kAbsent,     // no value
    kNothingOf,  // none of `others`
  };

  Kind kind = Kind::kLiteral;
  boost::json::value literal;
  std::string text;  // in lower case if `ignore_case`
  bool ignore_case = false;
  std::vector<std::string> pieces;
  double low = 0, high = 0;  // infinite where there is no bound
  bool low_open = false, high_open = false;
  Network network;
  std::vector<Condition> others;

  // `value` is neither an object nor a list. kAbsent never holds for a value.
  bool holds(const boost::json::value& value) const;
};

// kInvalidArgument for what is no condition.
base::Result<Condition> parse_condition(const boost::json::value& from);

}  // namespace patterns
