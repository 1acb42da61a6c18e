#include "tables/expression/ast.h"

namespace tables::expression {

Path path_of(std::string attribute) {
  Path path;
  path.push_back({.name = std::move(attribute)});
  return path;
}

std::string to_string(const Path& path) {
  std::string text = "[";
  for (const Step& step : path) {
    if (text.size() > 1) text += ", ";
    text += step.is_index ? "[" + std::to_string(step.index) + "]" : step.name;
  }
  return text + "]";
}

void collect_paths(const Operand& operand, std::vector<const Path*>& into) {
  if (operand.kind == Operand::Kind::kPath) into.push_back(&operand.path);
  for (const Operand& argument : operand.arguments) collect_paths(argument, into);
}

void collect_paths(const Condition& condition, std::vector<const Path*>& into) {
  for (const Operand& operand : condition.operands) collect_paths(operand, into);
  for (const Condition& child : condition.children) collect_paths(child, into);
}

}  // namespace tables::expression
