#pragma once

// The processes that process 1 starts: the main one and its companions.

#include <sys/types.h>

#include "sandbox/init/plan.h"

namespace sandbox::init {

// Both fail() where the program cannot be run.
pid_t start_main(const Plan& plan);
pid_t start_companion(const Plan& plan, const PlanCommand& command);

// The same once the sandbox runs: the wait status to report instead of a failure.
struct LateStart {
  pid_t pid = 0;
  int status = 0;  // if pid is 0
};
LateStart start_main_late(const Plan& plan);

}  // namespace sandbox::init
