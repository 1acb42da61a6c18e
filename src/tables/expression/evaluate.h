#pragma once

// Evaluates conditions on an item and cuts projections out of one. Pure; cannot fail: whatever does
// not fit (a missing attribute, another type) makes a comparison false.

#include "tables/expression/ast.h"

namespace tables::expression {

// nullptr: there is nothing at the path.
const Value* find(const Item& item, const Path& path);

bool holds(const Condition& condition, const Item& item);

// The parts of the item that the paths name, in its own structure; a list keeps only the elements
// asked for, in their order.
Item project(const Item& item, const Projection& paths);

}  // namespace tables::expression
