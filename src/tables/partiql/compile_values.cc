#include <algorithm>

#include "tables/expression/ast.h"
#include "tables/number.h"
#include "tables/partiql/compile.h"

namespace tables::partiql {

namespace {

using Kind = Term::Kind;

std::string_view shown_kind(const Term& term) {
  switch (term.kind) {
    case Kind::kParameter: return "Parameter";
    case Kind::kPath: return "VariableReference";
    case Kind::kMissing: return "Missing";
    case Kind::kCall: return term.text;
    default: return "Operator";
  }
}

bool has_duplicates(std::vector<std::string> elements) {
  std::ranges::sort(elements);
  return std::ranges::adjacent_find(elements) != elements.end();
}

std::string joined(const std::vector<Term>& terms) {
  std::string text;
  for (const Term& one : terms) text += (text.empty() ? "" : ", ") + one.text;
  return "[" + text + "]";
}

}  // namespace

bool Translator::is_value(const Term& term) {
  switch (term.kind) {
    case Kind::kString:
    case Kind::kNumber:
    case Kind::kBoolean:
    case Kind::kNull:
    case Kind::kParameter:
    case Kind::kList:
    case Kind::kStruct:
    case Kind::kBag: return true;
    default: return false;
  }
}

expression::Path Translator::path(const Term& term) {
  expression::Path made;
  for (const TermStep& step : term.steps) {
    if (step.is_index)
      made.push_back(
          {.index = static_cast<std::uint32_t>(std::stoul(step.text)), .is_index = true});
    else made.push_back({.name = step.text});
  }
  return made;
}

std::optional<Value> Translator::value(const Term& term, const std::string& place) {
  if (term.kind != Kind::kParameter) return literal(term, place, 0);
  if (term.number >= parameters_.size())
    return fail("Number of parameters in request and statement don't match.");
  return parameters_[term.number];
}

std::optional<Value> Translator::literal(const Term& term, const std::string& place, int depth) {
  if (depth >= kNestingMax)
    return fail("Nesting Levels have exceeded supported limits under " + place);
  switch (term.kind) {
    case Kind::kString: return Value::of_s(term.text);
    case Kind::kNumber: return number(term, place);
    case Kind::kBoolean: return Value::of_bool(term.text == "true");
    case Kind::kNull: return Value::of_null(true);
    case Kind::kBag: return bag(term);
    case Kind::kStruct: return structure(term, place, depth);
    case Kind::kList: {
      std::vector<Value> elements;
      for (const Term& one : term.children) {
        auto element = literal(one, place + "[" + std::to_string(elements.size()) + "]", depth + 1);
        if (!element) return std::nullopt;
        elements.push_back(*std::move(element));
      }
      return Value::of_l(std::move(elements));
    }
    default:
      return fail("Unsupported data type: " + std::string(shown_kind(term)) + " under key " +
                  place + term.at.shown());
  }
}

std::optional<Value> Translator::number(const Term& term, const std::string& place) {
  const auto parsed = Number::parse(term.text);
  if (!parsed) return fail(parsed.error() + " under " + place);
  return Value::of_n(parsed->to_string());
}

std::optional<Value> Translator::bag(const Term& term) {
  if (term.children.empty()) return fail("Empty bags are not supported");
  const Kind kind = term.children.front().kind;
  const bool alike =
      std::ranges::all_of(term.children, [&](const Term& one) { return one.kind == kind; });
  if (!alike || (kind != Kind::kString && kind != Kind::kNumber))
    return fail(
        "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags");
  std::vector<std::string> elements;
  for (const Term& one : term.children) {
    if (kind == Kind::kString) {
      elements.push_back(one.text);
      continue;
    }
    auto made = number(one, "root");
    if (!made) return std::nullopt;
    elements.push_back(made->n());
  }
  const bool numbers = kind == Kind::kNumber;
  if (has_duplicates(elements))
    return fail("One or more parameter values were invalid: Input collection " +
                joined(term.children) +
                (numbers ? " contains duplicates! under root" : " contains duplicates."));
  return numbers ? Value::of_ns(std::move(elements)) : Value::of_ss(std::move(elements));
}

std::optional<Value> Translator::structure(const Term& term, const std::string& place, int depth) {
  std::map<std::string, Value> members;
  for (std::size_t i = 0; i + 1 < term.children.size(); i += 2) {
    const Term& key = term.children[i];
    if (key.kind != Kind::kString)
      return fail("Tuple keys must be of type String. Actual type: " +
                  std::string(is_value(key) ? "Literal" : shown_kind(key)) + " under " + place);
    auto member = literal(term.children[i + 1], place + "." + key.text, depth + 1);
    if (!member) return std::nullopt;
    if (!members.emplace(key.text, *std::move(member)).second)
      return fail("Duplicate keys in tuple. Key: " + key.text + " under " + place);
  }
  return Value::of_m(std::move(members));
}

std::optional<Item> Translator::item(const Term& term) {
  if (term.kind == Kind::kParameter) {
    auto whole = value(term);
    if (!whole) return std::nullopt;
    if (whole->is_m()) return std::move(whole->m());
  }
  if (term.kind != Kind::kStruct)
    return fail("INSERT takes the item as a tuple: VALUE {'name': value}");
  Item made;
  for (std::size_t i = 0; i + 1 < term.children.size(); i += 2) {
    const Term& key = term.children[i];
    if (key.kind != Kind::kString)
      return fail("Tuple keys must be of type String. Actual type: " +
                  std::string(is_value(key) ? "Literal" : shown_kind(key)) + " under root");
    auto attribute = value(term.children[i + 1]);
    if (!attribute) return std::nullopt;
    if (!made.emplace(key.text, *std::move(attribute)).second)
      return fail("Duplicate keys in tuple. Key: " + key.text + " under root");
  }
  return made;
}

}  // namespace tables::partiql
