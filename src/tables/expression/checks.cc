#include "tables/expression/checks.h"

#include <algorithm>
#include <charconv>

#include "tables/expression/reserved.h"

namespace tables::expression::checks {

namespace {

using Kind = Syntax::Kind;

constexpr std::size_t kPathDepthMax = 32;
constexpr std::string_view kConditionFunctions[] = {"attribute_exists", "attribute_not_exists",
                                                    "attribute_type",   "begins_with",
                                                    "contains",         "size"};
constexpr std::string_view kUpdateFunctions[] = {"if_not_exists", "list_append"};

std::optional<std::uint32_t> index_of(std::string_view digits) {
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (error != std::errc() || index > INT32_MAX) return std::nullopt;
  return index;
}

Wrong step_names(const Syntax& node, Scope& scope) {
  for (const SyntaxStep& step : node.steps) {
    if (step.is_index || step.text[0] != '#' || scope.name(step.text) != nullptr) continue;
    return "An expression attribute name used in the document path is not defined; attribute "
           "name: " +
           std::string(step.text);
  }
  return std::nullopt;
}

Wrong one_value(const Syntax& node, Scope& scope) {
  if (node.kind != Kind::kValue || scope.value(node.text) != nullptr) return std::nullopt;
  return "An expression attribute value used in expression is not defined; attribute value: " +
         std::string(node.text);
}

// Calls `check` for every node, children first.
template <class Check>
Wrong each(const Syntax& node, const Check& check) {
  for (const Syntax& child : node.children) {
    if (auto wrong = each(child, check)) return wrong;
  }
  return check(node);
}

}  // namespace

Wrong path(const Syntax& node) {
  for (const SyntaxStep& step : node.steps) {
    if (step.is_index) {
      if (!index_of(step.text))
        return "List index is not within the allowable range; index: [" + std::string(step.text) +
               "]";
    } else if (step.text[0] != '#' && is_reserved(step.text)) {
      return "Attribute name is a reserved keyword; reserved keyword: " + std::string(step.text);
    }
  }
  if (node.steps.size() > kPathDepthMax)
    return "The document path has too many nesting levels; nesting levels: " +
           std::to_string(node.steps.size());
  return std::nullopt;
}

Wrong paths(const Syntax& node) { return each(node, path); }

Wrong functions(const Syntax& node, Grammar grammar) {
  return each(node, [&](const Syntax& at) -> Wrong {
    if (at.kind != Kind::kCall) return std::nullopt;
    const bool of_condition =
        std::ranges::find(kConditionFunctions, at.text) != std::ranges::end(kConditionFunctions);
    const bool of_update =
        std::ranges::find(kUpdateFunctions, at.text) != std::ranges::end(kUpdateFunctions);
    if (!of_condition && !of_update)
      return "Invalid function name; function: " + std::string(at.text);
    if (grammar == Grammar::kCondition && !of_condition)
      return "The function is not allowed in a condition expression; function: " +
             std::string(at.text);
    if (grammar == Grammar::kUpdate && !of_update)
      return "The function is not allowed in an update expression; function: " +
             std::string(at.text);
    return std::nullopt;
  });
}

Wrong names(const Syntax& node, Scope& scope) {
  return each(node, [&](const Syntax& at) { return step_names(at, scope); });
}

Wrong values(const Syntax& node, Scope& scope) {
  return each(node, [&](const Syntax& at) { return one_value(at, scope); });
}

Wrong names_and_values(const Syntax& node, Scope& scope) {
  return each(node, [&](const Syntax& at) {
    auto wrong = step_names(at, scope);
    return wrong ? wrong : one_value(at, scope);
  });
}

Wrong operators(int count) {
  if (count <= kOperatorsMax) return std::nullopt;
  // AWS stops counting at the first one too many.
  return "The expression contains too many operators; operator count: " +
         std::to_string(kOperatorsMax + 1);
}

Wrong overlaps(const std::vector<Path>& paths) {
  Wrong conflict;
  const auto text = [](std::string_view what, const Path& one, const Path& two) {
    return "Two document paths " + std::string(what) +
           " with each other; must remove or rewrite one of these paths; path one: " +
           to_string(one) + ", path two: " + to_string(two);
  };
  for (std::size_t second = 1; second < paths.size(); ++second) {
    for (std::size_t first = 0; first < second; ++first) {
      const Path& one = paths[first];
      const Path& two = paths[second];
      const auto [a, b] = std::mismatch(one.begin(), one.end(), two.begin(), two.end());
      if (a == one.end() || b == two.end()) return text("overlap", one, two);
      if (a->is_index != b->is_index && !conflict) conflict = text("conflict", one, two);
    }
  }
  return conflict;
}

Path resolve(const Syntax& node, Scope& scope) {
  Path path;
  path.reserve(node.steps.size());
  for (const SyntaxStep& step : node.steps) {
    if (step.is_index) path.push_back({.index = *index_of(step.text), .is_index = true});
    else if (step.text[0] == '#') path.push_back({.name = *scope.name(step.text)});
    else path.push_back({.name = std::string(step.text)});
  }
  return path;
}

std::string wrong_count(std::string_view function, std::size_t operands) {
  return "Incorrect number of operands for operator or function; operator or function: " +
         std::string(function) + ", number of operands: " + std::to_string(operands);
}

std::string wrong_type(std::string_view function, std::string_view type) {
  return "Incorrect operand type for operator or function; operator or function: " +
         std::string(function) + ", operand type: " + std::string(type);
}

std::string needs_path(std::string_view function) {
  return "Operator or function requires a document path; operator or function: " +
         std::string(function);
}

}  // namespace tables::expression::checks
