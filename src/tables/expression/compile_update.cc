#include <algorithm>

#include "tables/expression/checks.h"
#include "tables/expression/compile.h"

namespace tables::expression {

namespace {

using checks::Wrong;
using Kind = Syntax::Kind;
using Section = SyntaxAction::Kind;

bool has_value(const SyntaxAction& action) { return action.kind != Section::kRemove; }

template <class Check>
Wrong each(const UpdateSyntax& update, const Check& check) {
  for (const SyntaxAction& action : update.actions) {
    if (auto wrong = check(action.path)) return wrong;
    if (!has_value(action)) continue;
    if (auto wrong = check(action.value)) return wrong;
  }
  return std::nullopt;
}

std::string_view section_name(Section section) {
  switch (section) {
    case Section::kSet: return "SET";
    case Section::kRemove: return "REMOVE";
    case Section::kAdd: return "ADD";
    case Section::kDelete: return "DELETE";
  }
  return "";
}

std::string_view long_type_name(Type type) {
  switch (type) {
    case Type::kS: return "STRING";
    case Type::kN: return "NUMBER";
    case Type::kB: return "BINARY";
    case Type::kNULL: return "NULL";
    case Type::kBOOL: return "BOOLEAN";
    case Type::kL: return "LIST";
    case Type::kM: return "MAP";
    default: return "";
  }
}

// ADD takes a number or a set, DELETE a set.
Wrong section_types(const UpdateSyntax& update, Scope& scope) {
  for (const SyntaxAction& action : update.actions) {
    if (action.kind != Section::kAdd && action.kind != Section::kDelete) continue;
    const Value& value = *scope.value(action.value.text);
    if (is_set(value) || (value.is_n() && action.kind == Section::kAdd)) continue;
    return "Incorrect operand type for operator or function; operator: " +
           std::string(section_name(action.kind)) +
           ", operand type: " + std::string(long_type_name(value.member()));
  }
  return std::nullopt;
}

Wrong value_types(const Syntax& node, Scope& scope) {
  for (const Syntax& child : node.children) {
    if (auto wrong = value_types(child, scope)) return wrong;
  }
  if (node.kind != Kind::kCall && node.kind != Kind::kPlus && node.kind != Kind::kMinus)
    return std::nullopt;
  if (node.children.size() != 2) return checks::wrong_count(node.text, node.children.size());
  if (node.text == "if_not_exists") {
    if (node.children[0].kind != Kind::kPath) return checks::needs_path(node.text);
    return std::nullopt;
  }
  for (const Syntax& child : node.children) {
    if (node.text == "list_append" && child.text == node.text && child.kind == Kind::kCall)
      return "The function is not allowed to be used this way in an expression; function: "
             "list_append";
  }
  const Type wanted = node.text == "list_append" ? Type::kL : Type::kN;
  for (const Syntax& child : node.children) {
    if (child.kind != Kind::kValue) continue;
    const Value& value = *scope.value(child.text);
    if (value.member() != wanted) return checks::wrong_type(node.text, type_name(value));
  }
  return std::nullopt;
}

Operand operand(const Syntax& node, Scope& scope) {
  if (node.kind == Kind::kPath) return Operand::of(checks::resolve(node, scope));
  if (node.kind == Kind::kValue) return Operand::of(*scope.value(node.text));
  Operand made;
  made.kind = node.kind == Kind::kPlus       ? Operand::Kind::kPlus
              : node.kind == Kind::kMinus    ? Operand::Kind::kMinus
              : node.text == "if_not_exists" ? Operand::Kind::kIfNotExists
                                             : Operand::Kind::kListAppend;
  for (const Syntax& child : node.children) made.arguments.push_back(operand(child, scope));
  return made;
}

Action::Kind action_kind(Section section) {
  switch (section) {
    case Section::kSet: return Action::Kind::kSet;
    case Section::kRemove: return Action::Kind::kRemove;
    case Section::kAdd: return Action::Kind::kAdd;
    case Section::kDelete: return Action::Kind::kDelete;
  }
  return Action::Kind::kSet;
}

Wrong check(const UpdateSyntax& update, Scope& scope) {
  if (auto wrong = checks::operators(update.operators)) return wrong;
  if (auto wrong = each(update, [](const Syntax& node) { return checks::paths(node); }))
    return wrong;
  if (auto wrong = each(update, [](const Syntax& node) {
        return checks::functions(node, checks::Grammar::kUpdate);
      }))
    return wrong;
  if (!update.repeated.empty())
    return "The \"" + std::string(section_name(update.repeated.front())) +
           "\" section can only be used once in an update expression;";
  if (auto wrong = each(update, [&](const Syntax& node) { return checks::names(node, scope); }))
    return wrong;
  if (auto wrong = each(update, [&](const Syntax& node) { return checks::values(node, scope); }))
    return wrong;
  std::vector<Path> paths;
  for (const SyntaxAction& action : update.actions)
    paths.push_back(checks::resolve(action.path, scope));
  if (auto wrong = checks::overlaps(paths)) return wrong;
  if (auto wrong = section_types(update, scope)) return wrong;
  return each(update, [&](const Syntax& node) { return value_types(node, scope); });
}

}  // namespace

Parsed<Update> compile_update(std::string_view expression, Scope& scope) {
  auto syntax = parse_update(expression);
  if (!syntax) return std::unexpected(std::move(syntax).error());
  if (auto wrong = check(*syntax, scope)) return std::unexpected(*std::move(wrong));
  Update made;
  for (const SyntaxAction& action : syntax->actions) {
    made.actions.push_back({.kind = action_kind(action.kind),
                            .path = checks::resolve(action.path, scope),
                            .value = {}});
    if (has_value(action)) made.actions.back().value = operand(action.value, scope);
  }
  return made;
}

Parsed<Projection> compile_projection(std::string_view expression, Scope& scope) {
  auto syntax = parse_projection(expression);
  if (!syntax) return std::unexpected(std::move(syntax).error());
  Projection made;
  const auto check_all = [&]() -> Wrong {
    for (const Syntax& path : syntax->paths) {
      if (auto wrong = checks::path(path)) return wrong;
    }
    for (const Syntax& path : syntax->paths) {
      if (auto wrong = checks::names(path, scope)) return wrong;
    }
    for (const Syntax& path : syntax->paths) made.push_back(checks::resolve(path, scope));
    return checks::overlaps(made);
  };
  if (auto wrong = check_all()) return std::unexpected(*std::move(wrong));
  return made;
}

}  // namespace tables::expression
