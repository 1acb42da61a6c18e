#pragma once

// HostLauncher: the Launcher that starts real processes on this Linux machine.
//
// One thread of its own starts all sandboxes and watches their ends (epoll over pidfds), so no
// thread waits per process. Each sandbox is held together by a small static program that is
// embedded in this one and runs from memory as the sandbox's process 1: nothing needs to be
// installed, and main() needs no special verb.
//
// Works as root (each sandbox gets a user of its own) and as any user where the host allows user
// namespaces. Limits come from cgroup v1 or v2 where the server may make groups, else from rlimits
// and polling. Owned by the server; start() of it is cheap (< 50 ms).

#include <memory>
#include <string>
#include <vector>

#include "sandbox/sandbox.h"

namespace sandbox {

enum class CgroupVersion { kNone, kV1, kV2 };

// What this host allows.
struct Capabilities {
  bool namespaces = false;       // user, mount, pid, ipc, uts and network: start() needs them
  bool user_namespaces = false;  // else (root only) the process is confined by its user alone
  bool private_proc = false;     // else there is no /proc inside
  bool seccomp = false;          // else every system call is open to the function
  CgroupVersion cgroup = CgroupVersion::kNone;
  bool memory_limit = false;   // kept by the kernel; else by polling, a moment late
  bool process_limit = false;  // kept by a cgroup; else by RLIMIT_NPROC
  bool cpu_limit = false;      // else Limits::cpu_millis has no effect

  // One sentence for each layer the host lacks, with what remains. Empty: all walls stand.
  std::vector<std::string> missing;

  bool usable() const { return namespaces; }
  bool complete() const { return missing.empty(); }
};

struct HostConfig {
  // Names the group `millrace-<id>` that holds the sandboxes' cgroups: [A-Za-z0-9_.-], at most 64.
  // One running server per id; what an earlier run of it left is removed at creation.
  std::string id = "default";
  std::size_t sandboxes_max = 1000;
  std::chrono::milliseconds start_timeout{10'000};
  bool use_cgroups = true;  // false: as on a host without (for tests)
  // Processes that wait in cgroups of their own for the next sandboxes, which then start some 10 ms
  // sooner. Each holds about 100 KiB and has nothing of any function; each is used once.
  std::size_t spares = 2;
};

class HostLauncher final : public Launcher {
 public:
  // What the host would give a launcher of `config`. Starts a throw-away process; blocks for some
  // milliseconds.
  static Capabilities probe(const HostConfig& config = {});

  // Makes the group, cleans up after an earlier run and starts the thread. Errors: kPermission if
  // the host allows no sandbox at all (probe().usable() is false), kIo.
  static base::Result<std::unique_ptr<HostLauncher>> create(HostConfig config = {});

  // Kills what still runs, waits for it and joins the thread. Processes handed out stay valid, as
  // ended ones.
  ~HostLauncher() override;

  const Capabilities& capabilities() const;
  async::Task<base::Result<std::unique_ptr<Process>>> start(Spec spec) override;

 private:
  struct Impl;
  explicit HostLauncher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sandbox
