#pragma once

// Resolves the functions in a template: Ref, Fn::GetAtt, Fn::Sub, conditions and the rest. What is
// known only once a resource exists comes back as Value::unknown(resource, attribute), and so does
// everything that is computed from it; the same code therefore serves a plan (much is unknown) and
// an execution (nothing is, once a resource's dependencies are made).
//
// Errors are kInvalidArgument in AWS's words. Pure; output is bounded (kResolvedBytesMax).

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stacks/parameters.h"
#include "stacks/template.h"

namespace stacks {

inline constexpr std::size_t kResolvedBytesMax = 8U << 20U;  // per call of resolve()

struct Pseudo {
  std::string account;
  std::string region;
  std::string stack_name;
  std::string stack_id;
  std::vector<std::string> notification_arns;
  std::string partition = "aws";
  std::string url_suffix = "amazonaws.com";
};

// What a made resource answers to Ref and Fn::GetAtt.
struct MadeValues {
  std::string ref;
  Value attributes = Value::object();
};

// Everything that functions may look at. Borrows; lives as long as what it points to.
struct Scope {
  const Template* source = nullptr;
  const BoundParameters* parameters = nullptr;
  Pseudo pseudo;
  std::map<std::string, bool> conditions;
  // nullopt: not made yet.
  std::function<std::optional<MadeValues>(const std::string& id)> made;
  // nullopt: no export of that name in this account and region.
  std::function<std::optional<std::string>(const std::string& name)> exported;
};

// All of the template's conditions; needs no resources.
base::Result<std::map<std::string, bool>> evaluate_conditions(const Scope& scope);
// `value` without functions. AWS::NoValue members and elements are gone; a whole value that is
// AWS::NoValue comes back as kNoValue.
base::Result<Value> resolve(const Value& value, const Scope& scope);

// Whether a resource or output with this condition is there at all.
bool condition_holds(const std::string& condition, const Scope& scope);
// Resources that are referred to although their condition leaves them out, as AWS refuses it:
// "Template format error: Unresolved resource dependencies [X] in the Resources block of the
// template". To be called once conditions are evaluated.
base::Status check_left_out(const Scope& scope);
// Names that the template imports and whose name is known.
std::vector<std::string> imports_of(const Template& source, const Scope& scope);

}  // namespace stacks
