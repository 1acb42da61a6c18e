#pragma once

// The init's half that is still on the host, with the server's identity.

#include "sandbox/init/plan.h"

namespace sandbox::init {

// Starts process 1 of the sandbox, gives it its user and its cgroups, and returns 0. In process 1
// it does not return.
int run_outer(Plan plan);

}  // namespace sandbox::init
