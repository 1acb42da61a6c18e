#pragma once

// Ground: what an operation stands on while it resolves a template: the template, the values of its
// parameters, and the same once more with secrets masked, for events. Immovable, because its scopes
// point into it; lives on the engine's core, in the operation's frame.

#include <memory>

#include "stacks/resolve.h"
#include "stacks/state.h"

namespace stacks {

struct Ground {
  Ground() = default;
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  std::shared_ptr<const Template> source;
  BoundParameters parameters;
  BoundParameters masked_parameters;
  Scope scope;
  Scope masked;
};

// `made` and `exported` go into both scopes; conditions are evaluated.
base::Result<std::unique_ptr<Ground>> make_ground(
    const StackRecord& record, const Blueprint& blueprint, const std::string& template_text,
    std::function<std::optional<MadeValues>(const std::string&)> made,
    std::function<std::optional<std::string>(const std::string&)> exported);

// The stored form of parameters, and back (already checked once, so only bound again).
std::vector<StoredParameter> to_stored(const BoundParameters& parameters);
std::vector<GivenParameter> to_given(const std::vector<StoredParameter>& parameters);

Pseudo pseudo_of(const StackRecord& record, const Blueprint& blueprint);

}  // namespace stacks
