#pragma once

// Ion text, as far as DynamoDB's items use it: a line "$ion_1_0 {Item:{...}}", the form of AWS's
// exports. Structures, lists, strings, decimals, integers, blobs, booleans and null, and the
// annotations that tell sets; not timestamps, floats, symbols as values, clobs and comments. Pure.

#include <string_view>

#include "api/error.h"
#include "tables/value.h"

namespace backups {

// The item of a line. Not yet normalised (tables::normalise()).
api::Outcome<tables::Item> parse_ion_item(std::string_view line);

}  // namespace backups
