#pragma once

// What the launcher's thread and the owner of a Process share about one sandbox.

#include <mutex>
#include <optional>
#include <vector>

#include "async/completion.h"
#include "sandbox/cgroup.h"
#include "sandbox/fd.h"
#include "sandbox/sandbox.h"

namespace sandbox {

struct Running {
  // Set before the Process is handed out, unchanged after.
  pid_t inner = -1;
  Fd inner_pidfd;
  Fd control;
  Cgroup cgroup;

  mutable std::mutex mutex;
  // Under the mutex.
  std::vector<Fd> listeners;
  Fd standard_out;
  Fd standard_error;
  std::optional<Exit> exit;
  Usage usage;  // valid with exit
  std::vector<async::Completion<Exit>*> waiting;
};

std::unique_ptr<Process> make_process(std::shared_ptr<Running> running);

}  // namespace sandbox
