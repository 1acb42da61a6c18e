#pragma once

// Who the sandbox runs as, and the rights it gives up.

#include "sandbox/init/plan.h"

namespace sandbox::init {

// Becomes the plan's user while keeping the rights over the sandbox's own namespaces.
void become_sandbox_user(const Plan& plan);
void set_limits(const Plan& plan);
// No capability, no way to gain one, no system call but the plan's. For this process and all that
// come after it; cannot be undone.
void drop_privileges(const Plan& plan);

}  // namespace sandbox::init
