#pragma once

// From what a caller asks for (Spec) to what the init does (Plan). Pure but for looking at which
// standard folders the host has.

#include "base/result.h"
#include "sandbox/init/plan.h"
#include "sandbox/sandbox.h"

namespace sandbox {

inline constexpr std::uint64_t kMemoryBytesMax = 1ULL << 44;  // of Limits::memory_bytes

// kInvalidArgument, saying what, if the spec can never work.
base::Status check_spec(const Spec& spec);

// How sandboxes are made on this host; found out by trying.
struct Shape {
  bool user_namespace = true;
  bool map_self = false;
  bool private_proc = true;
};

struct Identity {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// `identity` is the sandbox's user as the host sees it. The spec must have passed check_spec().
// cgroup_files, polled_memory_bytes and seccomp are left for the caller to fill in.
init::Plan make_plan(const Spec& spec, const Shape& shape, const Identity& identity);

}  // namespace sandbox
