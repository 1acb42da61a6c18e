#pragma once

// Reads a YAML 1.1 template into a Value, as CloudFormation does: dates stay text, short function
// tags (!Ref, !GetAtt a.b, !Sub ...) become the long form, aliases are refused (so an "alias bomb"
// cannot grow). Pure and thread-safe.

#include "stacks/value.h"

namespace stacks {

// kInvalidArgument with AWS's words after "Template format error: " or "Template error: ",
// prefix included.
base::Result<Value> parse_yaml(std::string_view text);

}  // namespace stacks
