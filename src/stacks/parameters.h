#pragma once

// Binds a template's parameters to the values a caller gave. Errors are kInvalidArgument in AWS's
// words. Pure.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stacks/template.h"

namespace stacks {

inline constexpr std::size_t kParameterBytesMax = 4096;
inline constexpr std::string_view kMaskedValue = "****";  // what NoEcho parameters show

struct GivenParameter {
  std::string name;
  std::optional<std::string> value;
  bool use_previous = false;
};

struct BoundParameter {
  std::string text;  // as given
  Value value;       // what Ref answers: a string, or a list for list types
  bool no_echo = false;

  // What may be shown.
  std::string shown() const { return no_echo ? std::string(kMaskedValue) : text; }
};
using BoundParameters = std::map<std::string, BoundParameter>;

// `previous` holds the values of the stack as it is, for UsePreviousValue; empty for a new stack.
base::Result<BoundParameters> bind_parameters(const Template& source,
                                              const std::vector<GivenParameter>& given,
                                              const std::map<std::string, std::string>& previous);

}  // namespace stacks
