#pragma once

// The system calls that a sandboxed process may make: a list of what runtimes need, everything else
// answers ENOSYS or EPERM. See docs/security.md for what is left out and why.

#include <string>

#include "base/result.h"

namespace sandbox {

// Whether the kernel can filter system calls.
bool seccomp_supported();

// The filter as an array of sock_filter, for this machine's architecture.
base::Result<std::string> make_seccomp_filter();

}  // namespace sandbox
