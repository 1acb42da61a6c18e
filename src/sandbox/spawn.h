#pragma once

// Starts the init program, tells it what to do and hears what it says. Blocking only for as long as
// an exec takes.

#include <sys/types.h>

#include <optional>
#include <vector>

#include "base/result.h"
#include "sandbox/fd.h"
#include "sandbox/init/plan.h"

namespace sandbox {

struct Spawned {
  pid_t outer = -1;  // the init's outer half; to be reaped
  Fd control;        // non-blocking; closing it ends the sandbox
};

// It moves itself to `cgroup_files`, which takes the kernel some 10 ms, and waits for its plan. The
// sandbox dies with the calling *thread*.
base::Result<Spawned> spawn_init(const Fd& image, const std::vector<std::string>& cgroup_files);

struct Output {
  Fd standard_out;
  Fd standard_error;  // none if merged
};
// Gives an init its plan. Once each. Fails if it has ended meanwhile.
base::Result<Output> hand_over(const Fd& control, const init::Plan& plan, bool merge_output);

struct Heard {
  init::Message message;
  std::vector<Fd> descriptors;
};
enum class Hearing { kMessage, kNothingYet, kEnd };
struct Received {
  Hearing hearing = Hearing::kNothingYet;
  Heard heard;
};
Received receive(const Fd& control);

// What a kFailed message says, as an error.
base::Error failure_of(const init::Message& message);

}  // namespace sandbox
