#include <algorithm>

#include "tables/expression/checks.h"
#include "tables/partiql/compile.h"

namespace tables::partiql {

namespace {

using expression::Comparator;
using expression::Condition;
using expression::Operand;
using Kind = Term::Kind;
namespace checks = expression::checks;

constexpr std::size_t kInOperandsMax = 100;
// A condition that is compared with a path stands in the result twice; nested, it doubles again.
constexpr int kDoublingsMax = 4;

Condition joined(Condition::Kind kind, std::vector<Condition> children) {
  Condition made;
  made.kind = kind;
  made.children = std::move(children);
  return made;
}
Condition both(Condition a, Condition b) {
  std::vector<Condition> children;
  children.push_back(std::move(a));
  children.push_back(std::move(b));
  return joined(Condition::Kind::kAnd, std::move(children));
}
Condition either(Condition a, Condition b) {
  Condition made = both(std::move(a), std::move(b));
  made.kind = Condition::Kind::kOr;
  return made;
}
Condition negated(Condition condition) {
  std::vector<Condition> children;
  children.push_back(std::move(condition));
  return joined(Condition::Kind::kNot, std::move(children));
}
Condition constant(bool holds) {
  return joined(holds ? Condition::Kind::kAnd : Condition::Kind::kOr, {});
}
Condition leaf(Condition::Kind kind, std::vector<Operand> operands) {
  Condition made;
  made.kind = kind;
  made.operands = std::move(operands);
  return made;
}

// A term that is true or false by itself.
bool is_condition(const Term& term) {
  switch (term.kind) {
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot:
    case Kind::kCompare:
    case Kind::kIn:
    case Kind::kBetween:
    case Kind::kIs: return true;
    case Kind::kCall: return term.text != "size";
    default: return false;
  }
}

std::optional<Comparator> comparator(std::string_view op) {
  if (op == "<") return Comparator::kLess;
  if (op == "<=") return Comparator::kLessEqual;
  if (op == ">") return Comparator::kGreater;
  if (op == ">=") return Comparator::kGreaterEqual;
  return std::nullopt;
}

// DynamoDB's name of the type that IS asks for.
std::string_view stored_type(std::string_view type) {
  if (type == "NULL") return "NULL";
  if (type == "BOOLEAN" || type == "BOOL") return "BOOL";
  if (type == "BLOB") return "B";
  if (type == "STRING") return "S";
  if (type == "NUMERIC") return "N";
  if (type == "STRUCT" || type == "TUPLE") return "M";
  return type == "LIST" ? "L" : "";
}

}  // namespace

std::optional<Type> Translator::type_of(const Term& term) const {
  switch (term.kind) {
    case Kind::kString: return Type::kS;
    case Kind::kNumber: return Type::kN;
    case Kind::kBoolean: return Type::kBOOL;
    case Kind::kNull: return Type::kNULL;
    case Kind::kList: return Type::kL;
    case Kind::kStruct: return Type::kM;
    case Kind::kBag:
      return !term.children.empty() && term.children.front().kind == Kind::kNumber ? Type::kNS
                                                                                   : Type::kSS;
    case Kind::kParameter:
      if (term.number < parameters_.size()) return parameters_[term.number].member();
      return std::nullopt;
    default: break;
  }
  if (is_condition(term)) return Type::kBOOL;
  return term.kind == Kind::kCall ? std::optional(Type::kN) : std::nullopt;
}

bool Translator::orderable(const Term& term, std::string_view op) {
  const auto type = type_of(term);
  if (!type || *type == Type::kS || *type == Type::kN || *type == Type::kB) return true;
  fail(checks::wrong_type(op, type_name(*type)));
  return false;
}

Translator::Operands Translator::operand(const Term& term) {
  if (is_value(term)) {
    auto made = value(term);
    if (!made) return std::nullopt;
    return Operand::of(*std::move(made));
  }
  switch (term.kind) {
    case Kind::kPath: return Operand::of(path(term));
    case Kind::kPlus:
    case Kind::kMinus:
      if (term.children.size() == 1) return fail(checks::wrong_count(term.text, 1));
      return fail("Unsupported operator in Condition Expression. Operator: " + term.text);
    case Kind::kMissing: return fail("Unsupported data type: Missing" + term.at.shown());
    default: break;
  }
  if (term.kind != Kind::kCall || term.text != "size")
    return fail("A condition can not stand here" + term.at.shown());
  if (!check_call(term, 1)) return std::nullopt;
  const auto type = type_of(term.children[0]);
  if (type == Type::kN || type == Type::kBOOL || type == Type::kNULL)
    return fail(checks::wrong_type("size", type_name(*type)));
  auto inner = operand(term.children[0]);
  if (!inner) return std::nullopt;
  Operand made{.kind = Operand::Kind::kSize};
  made.arguments.push_back(*std::move(inner));
  return made;
}

std::optional<Condition> Translator::condition(const Term& term) {
  switch (term.kind) {
    case Kind::kAnd:
    case Kind::kOr:
    case Kind::kNot: {
      std::vector<Condition> children;
      for (const Term& child : term.children) {
        auto one = condition(child);
        if (!one) return std::nullopt;
        children.push_back(*std::move(one));
      }
      return joined(term.kind == Kind::kAnd  ? Condition::Kind::kAnd
                    : term.kind == Kind::kOr ? Condition::Kind::kOr
                                             : Condition::Kind::kNot,
                    std::move(children));
    }
    case Kind::kCompare: return compare(term);
    case Kind::kIn: return in(term);
    case Kind::kBetween: return between(term);
    case Kind::kIs: return is(term);
    case Kind::kCall:
      if (term.text == "size")
        return fail(
            "The function is not allowed to be used this way in an expression; function: size");
      return call(term);
    default: return fail("A condition is expected" + term.at.shown());
  }
}

std::optional<Condition> Translator::compare(const Term& term) {
  const Term& a = term.children[0];
  const Term& b = term.children[1];
  const auto order = comparator(term.text);
  if (!order) {
    auto made = equal(a, b);
    if (!made) return std::nullopt;
    if (term.text == "=") return made;
    if (made->kind != Condition::Kind::kCompare) return negated(*std::move(made));
    made->comparator = Comparator::kNotEqual;
    return made;
  }
  if (!orderable(a, term.text) || !orderable(b, term.text)) return std::nullopt;
  auto left = operand(a);
  if (!left) return std::nullopt;
  auto right = operand(b);
  if (!right) return std::nullopt;
  Condition made = leaf(Condition::Kind::kCompare, {*std::move(left), *std::move(right)});
  made.comparator = *order;
  return made;
}

std::optional<Condition> Translator::equal(const Term& a, const Term& b) {
  if (is_condition(a)) return equals_condition(a, b);
  if (is_condition(b)) return equals_condition(b, a);
  auto left = operand(a);
  if (!left) return std::nullopt;
  auto right = operand(b);
  if (!right) return std::nullopt;
  return leaf(Condition::Kind::kCompare, {*std::move(left), *std::move(right)});
}

// A condition is worth true or false.
std::optional<Condition> Translator::equals_condition(const Term& condition_term,
                                                      const Term& other) {
  auto made = condition(condition_term);
  if (!made) return std::nullopt;
  if (is_value(other)) {
    const auto literal = value(other);
    if (!literal) return std::nullopt;
    if (!literal->is_bool()) return constant(false);
    return literal->bool_() ? *std::move(made) : negated(*std::move(made));
  }
  if (++doublings_ > kDoublingsMax) return fail("The statement compares too many conditions");
  std::optional<Condition> is_true, is_false;
  if (is_condition(other)) {
    is_true = condition(other);
    if (!is_true) return std::nullopt;
    is_false = negated(*is_true);
  } else {
    auto read = operand(other);
    if (!read) return std::nullopt;
    is_true = leaf(Condition::Kind::kCompare, {*read, Operand::of(Value::of_bool(true))});
    is_false =
        leaf(Condition::Kind::kCompare, {*std::move(read), Operand::of(Value::of_bool(false))});
  }
  Condition holds = both(*made, *std::move(is_true));
  return either(std::move(holds), both(negated(*std::move(made)), *std::move(is_false)));
}

std::optional<Condition> Translator::in(const Term& term) {
  const std::size_t count = term.children.size() - 1;
  if (count > kInOperandsMax)
    return fail("The IN operator is provided with too many operands; number of operands: " +
                std::to_string(count));
  if (count == 0) return fail(checks::wrong_count("IN", 1));
  const Term& first = term.children[0];
  if (is_condition(first)) return in_condition(term);
  std::vector<Operand> operands;
  for (const Term& child : term.children) {
    auto one = operand(child);
    if (!one) return std::nullopt;
    operands.push_back(*std::move(one));
  }
  return leaf(Condition::Kind::kIn, std::move(operands));
}

// A condition whose worth is one of those listed.
std::optional<Condition> Translator::in_condition(const Term& term) {
  auto made = condition(term.children[0]);
  if (!made) return std::nullopt;
  bool takes_true = false, takes_false = false;
  std::vector<Condition> others;
  for (std::size_t i = 1; i < term.children.size(); ++i) {
    if (!is_value(term.children[i])) {
      auto one = equals_condition(term.children[0], term.children[i]);
      if (!one) return std::nullopt;
      others.push_back(*std::move(one));
      continue;
    }
    const auto literal = value(term.children[i]);
    if (!literal) return std::nullopt;
    if (literal->is_bool()) (literal->bool_() ? takes_true : takes_false) = true;
  }
  if (takes_true && takes_false) return constant(true);
  if (takes_true) others.push_back(*std::move(made));
  else if (takes_false) others.push_back(negated(*std::move(made)));
  return joined(Condition::Kind::kOr, std::move(others));
}

std::optional<Condition> Translator::between(const Term& term) {
  std::vector<Operand> operands;
  for (const Term& child : term.children) {
    if (!orderable(child, "BETWEEN")) return std::nullopt;
    auto one = operand(child);
    if (!one) return std::nullopt;
    operands.push_back(*std::move(one));
  }
  const bool bounded =
      operands[1].kind == Operand::Kind::kValue && operands[2].kind == Operand::Kind::kValue;
  if (bounded) {
    const Value& low = operands[1].value;
    const Value& high = operands[2].value;
    const std::string bounds = "lower bound operand: AttributeValue: " + describe(low) +
                               ", upper bound operand: AttributeValue: " + describe(high);
    if (low.member() != high.member())
      return fail("The BETWEEN operator requires same data type for lower and upper bounds; " +
                  bounds);
    if (tables::compare(low, high) == std::strong_ordering::greater)
      return fail(
          "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
          bounds);
  }
  return leaf(Condition::Kind::kBetween, std::move(operands));
}

std::optional<Condition> Translator::is(const Term& term) {
  const Term& operand_term = term.children[0];
  if (operand_term.kind != Kind::kPath) return fail(checks::needs_path("IS"));
  if (term.text == "MISSING")
    return leaf(Condition::Kind::kNotExists, {Operand::of(path(operand_term))});
  const std::string_view type = stored_type(term.text);
  if (type.empty())
    return fail("Unsupported data type for IS operator: " + term.text +
                ". Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, NUMERIC, "
                "STRUCT, TUPLE, LIST]");
  return leaf(Condition::Kind::kTypeIs,
              {Operand::of(path(operand_term)), Operand::of(Value::of_s(std::string(type)))});
}

bool Translator::check_call(const Term& term, std::size_t arguments) {
  if (term.children.size() == arguments) return true;
  fail(checks::wrong_count(term.text, term.children.size()));
  return false;
}

std::optional<Condition> Translator::call(const Term& term) {
  const std::string& name = term.text;
  const bool exists = name == "attribute_exists";
  if (exists || name == "attribute_not_exists") {
    if (!check_call(term, 1)) return std::nullopt;
    if (term.children[0].kind != Kind::kPath) return fail(checks::needs_path(name));
    return leaf(exists ? Condition::Kind::kExists : Condition::Kind::kNotExists,
                {Operand::of(path(term.children[0]))});
  }
  const bool is_type = name == "attribute_type", begins = name == "begins_with";
  if (!is_type && !begins && name != "contains")
    return fail("Unrecognized function: " + name + term.at.shown());
  if (!check_call(term, 2)) return std::nullopt;
  const Term& second = term.children[1];
  if (is_type) {
    const auto type = type_of(second);
    if (type != Type::kS)
      return fail(
          checks::wrong_type(name, type ? type_name(*type) : "{N,BS,L,B,NULL,M,S,SS,NS,BOOL}"));
    const auto wanted = value(second);
    if (!wanted) return std::nullopt;
    if (!type_of_name(wanted->s()))
      return fail("Invalid attribute type name found; type: " + wanted->s() +
                  ", valid types: {N,BS,L,B,NULL,M,S,SS,NS,BOOL}");
  }
  std::vector<Operand> operands;
  for (const Term& child : term.children) {
    const auto type = type_of(child);
    if (begins && type && *type != Type::kS && *type != Type::kB)
      return fail(checks::wrong_type(name, type_name(*type)));
    auto one = operand(child);
    if (!one) return std::nullopt;
    operands.push_back(*std::move(one));
  }
  return leaf(is_type  ? Condition::Kind::kTypeIs
              : begins ? Condition::Kind::kBeginsWith
                       : Condition::Kind::kContains,
              std::move(operands));
}

}  // namespace tables::partiql
