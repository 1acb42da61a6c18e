#pragma once

// Process 1's life once the function runs: reaps what is orphaned, obeys the server, and ends, and
// with it the whole sandbox, when the main process or the server does.

#include <sys/types.h>

#include "sandbox/init/plan.h"

namespace sandbox::init {

// Blocks SIGCHLD and returns a descriptor that reads it.
int supervisor_signals();
struct Children {
  pid_t main = 0;  // 0: not started yet
  std::vector<pid_t> companions;
};
[[noreturn]] void supervise(const Plan& plan, Children children, int signals);

}  // namespace sandbox::init
