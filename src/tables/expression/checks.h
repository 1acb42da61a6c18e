#pragma once

// Checks that all kinds of expressions share, PartiQL's among them. Internal to compile_*.cc.

#include <optional>
#include <string>

#include "tables/expression/ast.h"
#include "tables/expression/scope.h"
#include "tables/expression/syntax.h"

namespace tables::expression::checks {

using Wrong = std::optional<std::string>;  // AWS's text

// Reserved words, list indexes and depth of every path below `node`.
Wrong paths(const Syntax& node);
Wrong path(const Syntax& node);
// Functions that the grammar does not know, innermost first.
enum class Grammar { kCondition, kUpdate };
Wrong functions(const Syntax& node, Grammar grammar);
// Placeholders that are not defined, in the order they appear; marks the others as used.
Wrong names(const Syntax& node, Scope& scope);
Wrong values(const Syntax& node, Scope& scope);
Wrong names_and_values(const Syntax& node, Scope& scope);
Wrong operators(int count);
// Overlaps and conflicts among paths that are all changed or all shown.
Wrong overlaps(const std::vector<Path>& paths);

// After the checks above have passed.
Path resolve(const Syntax& node, Scope& scope);

std::string wrong_count(std::string_view function, std::size_t operands);
std::string wrong_type(std::string_view function, std::string_view type);
std::string needs_path(std::string_view function);

}  // namespace tables::expression::checks
