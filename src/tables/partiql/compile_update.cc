#include "tables/expression/checks.h"
#include "tables/partiql/compile.h"

namespace tables::partiql {

namespace {

using expression::Action;
using expression::Operand;
using expression::Update;
using Kind = Term::Kind;
namespace checks = expression::checks;

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace

std::optional<Update> Translator::update(const std::vector<Assignment>& changes) {
  Update made;
  std::vector<expression::Path> paths;
  for (const Assignment& change : changes) {
    paths.push_back(path(change.target));
    if (!change.value) {
      made.actions.push_back({.kind = Action::Kind::kRemove, .path = paths.back(), .value = {}});
      continue;
    }
    const bool of_sets = change.value->kind == Kind::kCall &&
                         (change.value->text == "set_add" || change.value->text == "set_delete");
    if (of_sets) {
      auto action = set_function(change);
      if (!action) return std::nullopt;
      made.actions.push_back(*std::move(action));
      continue;
    }
    auto assigned_value = assigned(*change.value);
    if (!assigned_value) return std::nullopt;
    made.actions.push_back(
        {.kind = Action::Kind::kSet, .path = paths.back(), .value = *std::move(assigned_value)});
  }
  if (auto wrong = checks::overlaps(paths)) return fail(*std::move(wrong));
  return made;
}

std::optional<Action> Translator::set_function(const Assignment& change) {
  const Term& call = *change.value;
  const std::string name = upper(call.text);
  if (call.children.size() != 2)
    return fail(name + " must have exactly two arguments" + call.at.shown());
  const Term& first = call.children[0];
  const Term& second = call.children[1];
  if (first.kind != Kind::kPath || path(first) != path(change.target))
    return fail("The first argument to " + name + " must equal the assignment value" +
                call.at.shown());
  std::optional<Value> elements;
  if (is_value(second)) {
    elements = value(second);
    if (!elements) return std::nullopt;
  }
  if (!elements || !is_set(*elements))
    return fail("The second argument to " + name + " must be a value with type SET" +
                first.at.shown());
  return Action{.kind = call.text == "set_add" ? Action::Kind::kAdd : Action::Kind::kDelete,
                .path = path(change.target),
                .value = Operand::of(*std::move(elements))};
}

// What stands to the right of "=".
Translator::Operands Translator::assigned(const Term& term) {
  if (term.kind == Kind::kPath) return Operand::of(path(term));
  if (is_value(term)) {
    auto made = value(term);
    if (!made) return std::nullopt;
    return Operand::of(*std::move(made));
  }
  const bool is_sum = term.kind == Kind::kPlus || term.kind == Kind::kMinus;
  if (is_sum && term.children.size() == 1) return fail(checks::wrong_count(term.text, 1));
  const bool is_append = term.kind == Kind::kCall && term.text == "list_append";
  if (!is_sum && !is_append) {
    if (term.kind == Kind::kCall)
      return fail("Unrecognized function: " + term.text + term.at.shown());
    return fail("Unsupported operator in Update Expression" + term.at.shown());
  }
  if (is_append && !check_call(term, 2)) return std::nullopt;
  Operand made;
  made.kind = is_append                  ? Operand::Kind::kListAppend
              : term.kind == Kind::kPlus ? Operand::Kind::kPlus
                                         : Operand::Kind::kMinus;
  for (const Term& child : term.children) {
    const auto type = type_of(child);
    if (type && is_value(child) && *type != (is_append ? Type::kL : Type::kN))
      return fail(checks::wrong_type(term.text, type_name(*type)));
    auto one = assigned(child);
    if (!one) return std::nullopt;
    made.arguments.push_back(*std::move(one));
  }
  return made;
}

}  // namespace tables::partiql
