#pragma once

// What a Query asks of the keys: from a KeyConditionExpression or from KeyConditions. Not yet
// compared with any table's schema.

#include <map>

#include "tables/expression/ast.h"
#include "tables/expression/syntax.h"

namespace tables::expression {

// The operators of the older parameters. A key takes only some of them, which is for the table to
// say.
enum class Operator {
  kEq,
  kNe,
  kLe,
  kLt,
  kGe,
  kGt,
  kNotNull,
  kNull,
  kContains,
  kNotContains,
  kBeginsWith,
  kIn,
  kBetween,
};

struct KeyTest {
  Operator op = Operator::kEq;
  std::vector<Value> values;
};

// By attribute.
using KeyTests = std::map<std::string, KeyTest>;

// The error is AWS's whole text.
Parsed<KeyTests> to_key_tests(const Condition& condition);

// Does a key value pass? For values of the test's own type.
bool passes(const KeyTest& test, const Value& value);

}  // namespace tables::expression
