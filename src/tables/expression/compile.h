#pragma once

// From text to something that can be evaluated: parses, resolves placeholders in the request's
// Scope and makes every check that AWS makes before it looks at an item, in AWS's order.
// Errors are AWS's texts without "Invalid ConditionExpression: " (the caller knows the parameter).

#include "tables/expression/ast.h"
#include "tables/expression/scope.h"
#include "tables/expression/syntax.h"

namespace tables::expression {

Parsed<Condition> compile_condition(std::string_view expression, Scope& scope);
Parsed<Update> compile_update(std::string_view expression, Scope& scope);
Parsed<Projection> compile_projection(std::string_view expression, Scope& scope);

}  // namespace tables::expression
