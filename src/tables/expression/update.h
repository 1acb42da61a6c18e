#pragma once

// Applies an update to an item. Pure. The whole update sees the item as it was before: right-hand
// sides, indexes into lists and removals all refer to the old item.

#include "tables/expression/ast.h"
#include "tables/expression/syntax.h"

namespace tables::expression {

// The item after the update; the error is AWS's text.
Parsed<Item> apply(const Update& update, const Item& item);

}  // namespace tables::expression
