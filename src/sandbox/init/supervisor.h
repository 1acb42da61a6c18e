#pragma once

// Process 1's life once the function runs: reaps what is orphaned, obeys the server, and ends, and
// with it the whole sandbox, when the main process or the server does.

#include <sys/types.h>

#include "sandbox/init/plan.h"

namespace sandbox::init {

// Blocks SIGCHLD and returns a descriptor that reads it.
int supervisor_signals();
[[noreturn]] void supervise(const Plan& plan, pid_t main_pid, int signals);

}  // namespace sandbox::init
