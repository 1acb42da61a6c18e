#pragma once

// Finds what a piece of a template refers to, and knows which objects are functions. Pure.

#include <string>
#include <vector>

#include "stacks/value.h"

namespace stacks {

struct Reference {
  enum class Kind { kRef, kGetAtt, kCondition };
  Kind kind = Kind::kRef;
  std::string name;       // resource, parameter, pseudo parameter or condition
  std::string attribute;  // of kGetAtt; empty where a function computes it
  bool in_sub = false;    // written as ${...}
};

// "Ref", "Condition" or "Fn::..." if `value` is an object with that one member; empty otherwise.
std::string_view function_name(const Value& value);

// A Sub text in pieces: literal text, or the inside of ${...}. "${!x}" is the literal "${x}".
struct SubPiece {
  bool is_variable = false;
  std::string text;
};
base::Result<std::vector<SubPiece>> split_sub(std::string_view text);

// Everything `value` refers to, in order of appearance, with repetitions.
// Fn::If names a condition; its branches are searched both.
std::vector<Reference> references_in(const Value& value);

bool is_pseudo_parameter(std::string_view name);

}  // namespace stacks
