#pragma once

// Between template values and the API's structures, driven by the API's shape tables: the one place
// where "1" becomes 1 and 1 becomes "1". Names match without regard to the first letter's case
// (RetentionInDays, retentionInDays). Pure.

#include <string>
#include <vector>

#include "api/shape.h"
#include "base/result.h"
#include "stacks/value.h"

namespace stacks {

// Sets the structure at `object` (of `shape`) from `value`. Members that `value` does not have stay
// as they are. kInvalidArgument: "#/Path: expected type: Integer, found: String".
base::Status fill(const api::Shape& shape, void* object, const Value& value,
                  std::string path = "#");

// A structure as a value; timestamps as ISO 8601, blobs as base64.
Value to_value(const api::Shape& shape, const void* object);

// What fill() would refuse, values that are not known yet left out. Adds one line a fault.
void check_against(const api::Shape& shape, const Value& value, const std::string& path,
                   std::vector<std::string>& faults);

// The shape of a structure's member; CHECKs that there is one.
const api::Shape& member_shape(const api::Shape& structure, std::string_view name);

}  // namespace stacks
