#pragma once

// The STS API over identity: who am I, and sessions of roles. Thread-safe; sessions need no
// storage.

#include "api/sts/errors.h"
#include "api/sts/operations.h"
#include "identity/identity.h"
#include "wire/registry.h"

namespace services::sts {

struct Deps {
  identity::Identity& identity;
  const base::Clock& clock;
};

// `deps` outlives the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

}  // namespace services::sts
