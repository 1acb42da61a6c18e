#pragma once

// What a process and all below it use, read from the host's /proc: for hosts where no cgroup
// counts. A process that ended in between counts no more.

#include <sys/types.h>

#include "sandbox/sandbox.h"

namespace sandbox {

Usage usage_of_tree(pid_t root);

}  // namespace sandbox
