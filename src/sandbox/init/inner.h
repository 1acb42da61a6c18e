#pragma once

// The init's half that is process 1 of the sandbox.

#include "sandbox/init/plan.h"

namespace sandbox::init {

// `gate` yields 'm' once the user is mapped and 'g' once the cgroups are joined.
[[noreturn]] void run_inner(Plan plan, int gate);

}  // namespace sandbox::init
