#include "tables/expression/key_condition.h"

namespace tables::expression {

namespace {

using Problem = std::optional<std::string>;

// The name under which AWS refuses what no key condition may contain; empty: may be there.
std::string_view refused(const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::kOr: return "OR";
    case Condition::Kind::kNot: return "NOT";
    case Condition::Kind::kIn: return "IN";
    case Condition::Kind::kExists: return "attribute_exists";
    case Condition::Kind::kNotExists: return "attribute_not_exists";
    case Condition::Kind::kTypeIs: return "attribute_type";
    case Condition::Kind::kContains: return "contains";
    case Condition::Kind::kCompare:
      return condition.comparator == Comparator::kNotEqual ? "<>" : "";
    default: return "";
  }
}

Operator comparison(Comparator comparator, bool key_is_second) {
  switch (comparator) {
    case Comparator::kLess: return key_is_second ? Operator::kGt : Operator::kLt;
    case Comparator::kLessEqual: return key_is_second ? Operator::kGe : Operator::kLe;
    case Comparator::kGreater: return key_is_second ? Operator::kLt : Operator::kGt;
    case Comparator::kGreaterEqual: return key_is_second ? Operator::kLe : Operator::kGe;
    default: return Operator::kEq;
  }
}

Problem add(const Condition& condition, KeyTests& tests) {
  if (const auto name = refused(condition); !name.empty())
    return "Invalid operator used in KeyConditionExpression: " + std::string(name);
  if (condition.kind == Condition::Kind::kAnd) {
    for (const Condition& child : condition.children) {
      if (auto problem = add(child, tests)) return problem;
    }
    return std::nullopt;
  }
  const bool first_is_path = condition.operands[0].kind == Operand::Kind::kPath;
  const bool must_be_first = condition.kind != Condition::Kind::kCompare;
  if (must_be_first && !first_is_path)
    return "Invalid condition in KeyConditionExpression: " +
           std::string(condition.kind == Condition::Kind::kBetween ? "BETWEEN" : "begins_with") +
           " operator must have the key attribute as its first operand";
  const Path* key = nullptr;
  std::size_t key_at = 0;
  KeyTest test;
  for (std::size_t i = 0; i < condition.operands.size(); ++i) {
    const Operand& operand = condition.operands[i];
    if (operand.kind == Operand::Kind::kValue) {
      test.values.push_back(operand.value);
      continue;
    }
    if (operand.kind != Operand::Kind::kPath)
      return "KeyConditionExpressions cannot contain nested operations";
    if (key != nullptr)
      return "Invalid condition in KeyConditionExpression: Multiple attribute names used in one "
             "condition";
    if (operand.path.size() > 1)
      return "KeyConditionExpressions cannot have conditions on nested attributes";
    key = &operand.path;
    key_at = i;
  }
  if (key == nullptr)
    return "Invalid condition in KeyConditionExpression: No key attribute specified";
  test.op = condition.kind == Condition::Kind::kBetween ? Operator::kBetween
            : condition.kind == Condition::Kind::kBeginsWith
                ? Operator::kBeginsWith
                : comparison(condition.comparator, key_at == 1);
  if (!tests.emplace(key->front().name, std::move(test)).second)
    return "KeyConditionExpressions must only contain one condition per key";
  return std::nullopt;
}

}  // namespace

Parsed<KeyTests> to_key_tests(const Condition& condition) {
  KeyTests tests;
  if (auto problem = add(condition, tests)) return std::unexpected(*std::move(problem));
  return tests;
}

bool passes(const KeyTest& test, const Value& value) {
  const auto order = compare(value, test.values[0]);
  if (!order) return false;
  switch (test.op) {
    case Operator::kEq: return *order == 0;
    case Operator::kLe: return *order <= 0;
    case Operator::kLt: return *order < 0;
    case Operator::kGe: return *order >= 0;
    case Operator::kGt: return *order > 0;
    case Operator::kBetween: return *order >= 0 && *compare(value, test.values[1]) <= 0;
    case Operator::kBeginsWith:
      return value.is_s() ? value.s().starts_with(test.values[0].s())
                          : value.is_b() && value.b().starts_with(test.values[0].b());
    default: return false;
  }
}

}  // namespace tables::expression
