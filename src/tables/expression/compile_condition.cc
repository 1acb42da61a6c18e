#include <algorithm>

#include "base/check.h"
#include "tables/expression/checks.h"
#include "tables/expression/compile.h"

namespace tables::expression {

namespace {

using checks::Wrong;
using Kind = Syntax::Kind;

constexpr std::size_t kInOperandsMax = 100;

bool is_connective(const Syntax& node) {
  return node.kind == Kind::kAnd || node.kind == Kind::kOr || node.kind == Kind::kNot;
}

// A function that answers true or false stands for a condition, size() stands for a value.
Wrong misused(const Syntax& node) {
  for (const Syntax& child : node.children) {
    if (auto wrong = misused(child)) return wrong;
  }
  for (const Syntax& child : node.children) {
    if (child.kind != Kind::kCall) continue;
    if ((child.text == "size") == is_connective(node))
      return "The function is not allowed to be used this way in an expression; function: " +
             std::string(child.text);
  }
  return std::nullopt;
}

std::size_t operand_count(std::string_view function) {
  return function == "attribute_type" || function == "begins_with" || function == "contains" ? 2
                                                                                             : 1;
}

Wrong counts(const Syntax& node) {
  for (const Syntax& child : node.children) {
    if (auto wrong = counts(child)) return wrong;
  }
  if (node.kind == Kind::kCall && node.children.size() != operand_count(node.text))
    return checks::wrong_count(node.text, node.children.size());
  if (node.kind == Kind::kIn && node.children.size() > kInOperandsMax)
    return "The IN operator is provided with too many operands; number of operands: " +
           std::to_string(node.children.size());
  return std::nullopt;
}

class LeafChecker {
 public:
  explicit LeafChecker(Scope& scope) : scope_(scope) {}

  Wrong check(const Syntax& leaf) {
    if (auto wrong = checks::names_and_values(leaf, scope_)) return wrong;
    if (auto wrong = counts(leaf)) return wrong;
    if (auto wrong = distinct(leaf)) return wrong;
    return types(leaf);
  }

 private:
  Wrong distinct(const Syntax& node) {
    for (const Syntax& child : node.children) {
      if (auto wrong = distinct(child)) return wrong;
    }
    const bool checked = node.kind == Kind::kCompare || node.kind == Kind::kIn ||
                         (node.kind == Kind::kCall && node.children.size() == 2);
    if (!checked || node.children[0].kind != Kind::kPath) return std::nullopt;
    const Path first = checks::resolve(node.children[0], scope_);
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      if (node.children[i].kind != Kind::kPath) continue;
      if (checks::resolve(node.children[i], scope_) != first) continue;
      return "The first operand must be distinct from the remaining operands for this operator or "
             "function; operator: " +
             std::string(node.kind == Kind::kIn ? "IN" : node.text) +
             ", first operand: " + to_string(first);
    }
    return std::nullopt;
  }

  // nullopt: known only with an item.
  std::optional<Type> type_of(const Syntax& operand) {
    if (operand.kind == Kind::kValue) return scope_.value(operand.text)->member();
    if (operand.kind == Kind::kCall && operand.text == "size") return Type::kN;
    return std::nullopt;
  }

  Wrong types(const Syntax& node) {
    for (const Syntax& child : node.children) {
      if (auto wrong = types(child)) return wrong;
    }
    if (node.kind == Kind::kCall) return function_types(node);
    if (node.kind == Kind::kBetween) return between_types(node);
    if (node.kind == Kind::kCompare && node.text != "=" && node.text != "<>") {
      for (const Syntax& child : node.children) {
        if (auto wrong = orderable(child, node.text)) return wrong;
      }
    }
    return std::nullopt;
  }

  Wrong orderable(const Syntax& operand, std::string_view op) {
    const auto type = type_of(operand);
    if (!type || *type == Type::kS || *type == Type::kN || *type == Type::kB) return std::nullopt;
    return checks::wrong_type(op, type_name(*type));
  }

  Wrong function_types(const Syntax& call) {
    if (call.text.starts_with("attribute_") && call.text.ends_with("exists")) {
      if (call.children[0].kind != Kind::kPath) return checks::needs_path(call.text);
    } else if (call.text == "begins_with") {
      for (const Syntax& argument : call.children) {
        const auto type = type_of(argument);
        if (type && *type != Type::kS && *type != Type::kB)
          return checks::wrong_type(call.text, type_name(*type));
      }
    } else if (call.text == "attribute_type") {
      return attribute_type(call.children[1]);
    } else if (call.text == "size") {
      const auto type = type_of(call.children[0]);
      if (type && (*type == Type::kN || *type == Type::kBOOL || *type == Type::kNULL))
        return checks::wrong_type(call.text, type_name(*type));
    }
    return std::nullopt;
  }

  Wrong attribute_type(const Syntax& argument) {
    const auto type = type_of(argument);
    if (type != Type::kS)
      return checks::wrong_type("attribute_type",
                                type ? type_name(*type) : "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
    const std::string& name = scope_.value(argument.text)->s();
    if (type_of_name(name)) return std::nullopt;
    return "Invalid attribute type name found; type: " + name +
           ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}";
  }

  Wrong between_types(const Syntax& node) {
    for (const Syntax& child : node.children) {
      if (auto wrong = orderable(child, "BETWEEN")) return wrong;
    }
    const Syntax& low = node.children[1];
    const Syntax& high = node.children[2];
    if (low.kind != Kind::kValue || high.kind != Kind::kValue) return std::nullopt;
    const Value& a = *scope_.value(low.text);
    const Value& b = *scope_.value(high.text);
    const auto bounds = [&] {
      return "lower bound operand: AttributeValue: " + describe(a) +
             ", upper bound operand: AttributeValue: " + describe(b);
    };
    if (a.member() != b.member())
      return "The BETWEEN operator requires same data type for lower and upper bounds; " + bounds();
    if (*compare(a, b) > 0)
      return "The BETWEEN operator requires upper bound to be greater than or equal to lower "
             "bound; " +
             bounds();
    return std::nullopt;
  }

  Scope& scope_;
};

class Builder {
 public:
  explicit Builder(Scope& scope) : scope_(scope), leaf_(scope) {}

  Parsed<Condition> build(const Syntax& node) {
    Condition made;
    if (!is_connective(node)) {
      if (auto wrong = leaf_.check(node)) return std::unexpected(*std::move(wrong));
      return leaf(node);
    }
    made.kind = node.kind == Kind::kAnd  ? Condition::Kind::kAnd
                : node.kind == Kind::kOr ? Condition::Kind::kOr
                                         : Condition::Kind::kNot;
    for (const Syntax& child : node.children) {
      auto one = build(child);
      if (!one) return one;
      made.children.push_back(*std::move(one));
    }
    return made;
  }

 private:
  Condition leaf(const Syntax& node) {
    Condition made;
    for (const Syntax& child : node.children) made.operands.push_back(operand(child));
    switch (node.kind) {
      case Kind::kCompare:
        made.kind = Condition::Kind::kCompare;
        made.comparator = comparator(node.text);
        break;
      case Kind::kBetween: made.kind = Condition::Kind::kBetween; break;
      case Kind::kIn: made.kind = Condition::Kind::kIn; break;
      default: made.kind = function(node.text); break;
    }
    return made;
  }

  Operand operand(const Syntax& node) {
    if (node.kind == Kind::kPath) return Operand::of(checks::resolve(node, scope_));
    if (node.kind == Kind::kValue) return Operand::of(*scope_.value(node.text));
    CHECK(node.kind == Kind::kCall && node.text == "size");
    Operand made{.kind = Operand::Kind::kSize};
    made.arguments.push_back(operand(node.children[0]));
    return made;
  }

  static Comparator comparator(std::string_view text) {
    if (text == "=") return Comparator::kEqual;
    if (text == "<>") return Comparator::kNotEqual;
    if (text == "<") return Comparator::kLess;
    if (text == "<=") return Comparator::kLessEqual;
    return text == ">" ? Comparator::kGreater : Comparator::kGreaterEqual;
  }

  static Condition::Kind function(std::string_view name) {
    if (name == "attribute_exists") return Condition::Kind::kExists;
    if (name == "attribute_not_exists") return Condition::Kind::kNotExists;
    if (name == "attribute_type") return Condition::Kind::kTypeIs;
    return name == "begins_with" ? Condition::Kind::kBeginsWith : Condition::Kind::kContains;
  }

  Scope& scope_;
  LeafChecker leaf_;
};

}  // namespace

Parsed<Condition> compile_condition(std::string_view expression, Scope& scope) {
  auto syntax = parse_condition(expression);
  if (!syntax) return std::unexpected(std::move(syntax).error());
  const Syntax& root = syntax->root;
  const auto wrong_as_a_whole = [&]() -> Wrong {
    if (auto wrong = checks::operators(syntax->operators)) return wrong;
    if (syntax->redundant_parentheses) return "The expression has redundant parentheses;";
    if (auto wrong = checks::functions(root, checks::Grammar::kCondition)) return wrong;
    if (auto wrong = misused(root)) return wrong;
    if (root.kind == Kind::kCall && root.text == "size")
      return "The function is not allowed to be used this way in an expression; function: size";
    return checks::paths(root);
  };
  if (auto wrong = wrong_as_a_whole()) return std::unexpected(*std::move(wrong));
  return Builder(scope).build(root);
}

}  // namespace tables::expression
