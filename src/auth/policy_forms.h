#pragma once

// The forms of actions, resources and principals in policy documents, and AWS's words for what is
// wrong with them. Private to auth; pure functions.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/policy.h"

namespace auth::forms {

// The complaint about an action ("s3:List:Bucket"), nullopt: none.
std::optional<std::string> action_fault(std::string_view action);

// The complaint about a resource. `legacy`: AWS's older parser would fail on it, which takes
// precedence over other complaints.
struct ResourceFault {
  bool legacy = false;
  std::string message;
};
std::optional<ResourceFault> resource_fault(std::string_view resource);

// "AWS": "123456789012" and its like; nullopt: not the form of a principal.
std::optional<PrincipalPattern> parse_principal(std::string_view type, std::string_view value);

// Trust policies speak of sts actions only.
bool is_trust_action(std::string_view action);

}  // namespace auth::forms
