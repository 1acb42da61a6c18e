#include "tables/expression/legacy.h"

#include <algorithm>
#include <set>

namespace tables::expression {

namespace {

using Problem = std::optional<std::string>;

constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

std::string invalid(std::string_view what) { return std::string(kInvalid).append(what); }

struct OperatorRow {
  std::string_view name;
  Operator op;
  std::size_t values_min, values_max;
  std::string_view types;  // of its values, space around each; empty: any
};
constexpr std::size_t kMany = SIZE_MAX;
constexpr OperatorRow kOperators[] = {
    {"EQ", Operator::kEq, 1, 1, ""},
    {"NE", Operator::kNe, 1, 1, ""},
    {"LE", Operator::kLe, 1, 1, " S N B "},
    {"LT", Operator::kLt, 1, 1, " S N B "},
    {"GE", Operator::kGe, 1, 1, " S N B "},
    {"GT", Operator::kGt, 1, 1, " S N B "},
    {"NOT_NULL", Operator::kNotNull, 0, 0, ""},
    {"NULL", Operator::kNull, 0, 0, ""},
    {"CONTAINS", Operator::kContains, 1, 1, " S N B BOOL NULL "},
    {"NOT_CONTAINS", Operator::kNotContains, 1, 1, " S N B BOOL NULL "},
    {"BEGINS_WITH", Operator::kBeginsWith, 1, 1, " S B "},
    {"IN", Operator::kIn, 1, kMany, " S N B "},
    {"BETWEEN", Operator::kBetween, 2, 2, " S N B "},
};

const OperatorRow* row_of(std::string_view name) {
  const auto found = std::ranges::find(kOperators, name, &OperatorRow::name);
  return found == std::ranges::end(kOperators) ? nullptr : &*found;
}

Problem check_values(const OperatorRow& row, const std::vector<Value>& values) {
  if (values.size() < row.values_min || values.size() > row.values_max)
    return invalid("Invalid number of argument(s) for the " + std::string(row.name) +
                   " ComparisonOperator");
  for (const Value& value : values) {
    if (value.member() != values.front().member())
      return invalid("AttributeValues inside AttributeValueList must be of same type");
  }
  for (const Value& value : values) {
    const std::string name = " " + std::string(type_name(value)) + " ";
    if (!row.types.empty() && row.types.find(name) == std::string_view::npos)
      return invalid("ComparisonOperator " + std::string(row.name) + " is not valid for " +
                     std::string(type_name(value)) + " AttributeValue type");
  }
  if (row.op == Operator::kBetween && *compare(values[0], values[1]) > 0)
    return "The BETWEEN condition was provided a range where the lower bound is greater than the "
           "upper bound";
  return std::nullopt;
}

Problem normalise_all(std::vector<Value>& values) {
  for (Value& value : values) {
    if (auto wrong = normalise(value)) return wrong;
  }
  return std::nullopt;
}

Condition leaf(Condition::Kind kind, const std::string& attribute, std::vector<Value> values) {
  Condition made;
  made.kind = kind;
  made.operands.push_back(Operand::of(path_of(attribute)));
  for (Value& value : values) made.operands.push_back(Operand::of(std::move(value)));
  return made;
}

Condition compared(Comparator comparator, const std::string& attribute, std::vector<Value> values) {
  Condition made = leaf(Condition::Kind::kCompare, attribute, std::move(values));
  made.comparator = comparator;
  return made;
}

Condition connect(Condition::Kind kind, std::vector<Condition> children) {
  Condition made;
  made.kind = kind;
  made.children = std::move(children);
  return made;
}

Condition test(Operator op, const std::string& attribute, std::vector<Value> values) {
  using Kind = Condition::Kind;
  switch (op) {
    case Operator::kEq: return compared(Comparator::kEqual, attribute, std::move(values));
    case Operator::kNe: return compared(Comparator::kNotEqual, attribute, std::move(values));
    case Operator::kLe: return compared(Comparator::kLessEqual, attribute, std::move(values));
    case Operator::kLt: return compared(Comparator::kLess, attribute, std::move(values));
    case Operator::kGe: return compared(Comparator::kGreaterEqual, attribute, std::move(values));
    case Operator::kGt: return compared(Comparator::kGreater, attribute, std::move(values));
    case Operator::kNotNull: return leaf(Kind::kExists, attribute, {});
    case Operator::kNull: return leaf(Kind::kNotExists, attribute, {});
    case Operator::kContains: return leaf(Kind::kContains, attribute, std::move(values));
    case Operator::kNotContains: {
      // An attribute that is not there does not pass.
      std::vector<Condition> inner;
      inner.push_back(leaf(Kind::kContains, attribute, std::move(values)));
      std::vector<Condition> both;
      both.push_back(leaf(Kind::kExists, attribute, {}));
      both.push_back(connect(Kind::kNot, std::move(inner)));
      return connect(Kind::kAnd, std::move(both));
    }
    case Operator::kBeginsWith: return leaf(Kind::kBeginsWith, attribute, std::move(values));
    case Operator::kIn: return leaf(Kind::kIn, attribute, std::move(values));
    case Operator::kBetween: return leaf(Kind::kBetween, attribute, std::move(values));
  }
  return leaf(Kind::kExists, attribute, {});
}

// Operators outside the enumeration are refused by the validation of the request's shape.
std::string unknown_operator(std::string_view name) {
  return "Unsupported operator on ExpectedAttributeValue: " + std::string(name);
}

Parsed<Condition> with_operator(const std::string& attribute,
                                api::dynamodb::ExpectedAttributeValue& expected) {
  const std::string& name = *expected.comparison_operator;
  if (expected.exists)
    return std::unexpected(invalid(
        "Exists and ComparisonOperator cannot be used together for Attribute: " + attribute));
  const OperatorRow* const row = row_of(name);
  if (row == nullptr) return std::unexpected(unknown_operator(name));
  if (row->values_max > 0 && !expected.attribute_value_list && !expected.value)
    return std::unexpected(
        invalid("Value or AttributeValueList must be used with ComparisonOperator: " + name +
                " for Attribute: " + attribute));
  std::vector<Value> values;
  if (expected.attribute_value_list) values = *std::move(expected.attribute_value_list);
  else if (expected.value) values.push_back(*std::move(expected.value));
  if (auto wrong = normalise_all(values)) return std::unexpected(*std::move(wrong));
  if (auto wrong = check_values(*row, values)) return std::unexpected(*std::move(wrong));
  return test(row->op, attribute, std::move(values));
}

Parsed<Condition> without_operator(const std::string& attribute,
                                   api::dynamodb::ExpectedAttributeValue& expected) {
  if (expected.attribute_value_list)
    return std::unexpected(
        invalid("AttributeValueList can only be used with a ComparisonOperator for Attribute: " +
                attribute));
  const bool exists = expected.exists.value_or(true);
  if (exists && !expected.value)
    return std::unexpected(invalid("Value must be provided when Exists is " +
                                   std::string(expected.exists ? "true" : "null") +
                                   " for Attribute: " + attribute));
  if (!exists && expected.value)
    return std::unexpected(
        invalid("Value cannot be used when Exists is false for Attribute: " + attribute));
  if (!exists) return leaf(Condition::Kind::kNotExists, attribute, {});
  if (auto wrong = normalise(*expected.value)) return std::unexpected(*std::move(wrong));
  std::vector<Value> values;
  values.push_back(*std::move(expected.value));
  return compared(Comparator::kEqual, attribute, std::move(values));
}

// Normalises and checks one entry of a filter or of KeyConditions.
Parsed<KeyTest> key_test(api::dynamodb::Condition& condition) {
  const std::string name = condition.comparison_operator.value_or("");
  const OperatorRow* const row = row_of(name);
  if (row == nullptr) return std::unexpected(unknown_operator(name));
  KeyTest made{.op = row->op, .values = {}};
  if (condition.attribute_value_list) made.values = *std::move(condition.attribute_value_list);
  if (auto wrong = normalise_all(made.values)) return std::unexpected(*std::move(wrong));
  if (auto wrong = check_values(*row, made.values)) return std::unexpected(*std::move(wrong));
  return made;
}

Parsed<Action> action_of(const std::string& attribute,
                         api::dynamodb::AttributeValueUpdate& update) {
  const std::string kind = update.action.value_or("PUT");
  Action made{.kind = Action::Kind::kSet, .path = path_of(attribute), .value = {}};
  if (update.value) {
    if (auto wrong = normalise(*update.value)) return std::unexpected(*std::move(wrong));
  }
  if (!update.value) {
    if (kind != "DELETE")
      return std::unexpected(
          invalid("Only DELETE action is allowed when no attribute value is specified"));
    made.kind = Action::Kind::kRemove;
    return made;
  }
  const Value& value = *update.value;
  if (kind == "DELETE") {
    if (!is_set(value))
      return std::unexpected(invalid("DELETE action with value is not supported for the type " +
                                     std::string(type_name(value))));
    made.kind = Action::Kind::kDelete;
  } else if (kind == "ADD") {
    if (!is_set(value) && !value.is_n() && !value.is_l())
      return std::unexpected(
          invalid("ADD action is not supported for the type " + std::string(type_name(value))));
    made.kind = Action::Kind::kAdd;
  }
  made.value = Operand::of(*std::move(update.value));
  return made;
}

}  // namespace

Parsed<Condition> from_expected(Expected expected, bool either) {
  Condition all;
  all.kind = either ? Condition::Kind::kOr : Condition::Kind::kAnd;
  for (auto& [attribute, one] : expected) {
    if (one.attribute_value_list && one.value)
      return std::unexpected(invalid(
          "Value and AttributeValueList cannot be used together for Attribute: " + attribute));
    auto made =
        one.comparison_operator ? with_operator(attribute, one) : without_operator(attribute, one);
    if (!made) return made;
    all.children.push_back(*std::move(made));
  }
  return all;
}

Parsed<Condition> from_filter(Conditions filter, bool either) {
  Condition all;
  all.kind = either ? Condition::Kind::kOr : Condition::Kind::kAnd;
  for (auto& [attribute, condition] : filter) {
    auto made = key_test(condition);
    if (!made) return std::unexpected(std::move(made).error());
    all.children.push_back(test(made->op, attribute, std::move(made->values)));
  }
  return all;
}

Parsed<KeyTests> from_key_conditions(Conditions conditions) {
  KeyTests tests;
  for (auto& [attribute, condition] : conditions) {
    auto made = key_test(condition);
    if (!made) return std::unexpected(std::move(made).error());
    tests.emplace(attribute, *std::move(made));
  }
  return tests;
}

Parsed<Update> from_attribute_updates(AttributeUpdates updates) {
  Update made;
  made.legacy = true;
  for (auto& [attribute, update] : updates) {
    if (attribute.empty()) return std::unexpected(invalid(std::string(kEmptyName)));
    auto action = action_of(attribute, update);
    if (!action) return std::unexpected(std::move(action).error());
    made.actions.push_back(*std::move(action));
  }
  return made;
}

Parsed<Projection> from_attributes_to_get(const std::vector<std::string>& names) {
  Projection made;
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty()) return std::unexpected(invalid(std::string(kEmptyName)));
    if (!seen.insert(name).second)
      return std::unexpected(invalid("Duplicate value in attribute name: " + name));
    made.push_back(path_of(name));
  }
  return made;
}

}  // namespace tables::expression
