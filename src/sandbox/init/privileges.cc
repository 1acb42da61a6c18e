#include "sandbox/init/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

using Capabilities = __user_cap_data_struct[2];

void set_capabilities(const Capabilities& data) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  must(static_cast<int>(::syscall(SYS_capset, &header, data)), "set capabilities");
}

void limit(int what, rlim_t value) {
  const rlimit both{value, value};
  must(::setrlimit(static_cast<__rlimit_resource>(what), &both), "set a resource limit");
}

}  // namespace

void become_sandbox_user(const Plan& plan) {
  must(::prctl(PR_SET_KEEPCAPS, 1), "keep capabilities");
  if (!plan.map_self) must(::setgroups(0, nullptr), "leave the groups");
  must(::setresgid(plan.gid, plan.gid, plan.gid), "set the group");
  must(::setresuid(plan.uid, plan.uid, plan.uid), "set the user");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  Capabilities data{};
  must(static_cast<int>(::syscall(SYS_capget, &header, data)), "read capabilities");
  for (auto& half : data) half.effective = half.permitted;
  set_capabilities(data);
  // A change of user forgets this one.
  must(::prctl(PR_SET_PDEATHSIG, SIGKILL), "follow the server");
}

void set_limits(const Plan& plan) {
  // One byte rather than none: it also keeps the kernel from piping a core to the host's collector.
  limit(RLIMIT_CORE, 1);
  limit(RLIMIT_NOFILE, plan.open_files);
  limit(RLIMIT_NPROC, plan.processes + 1);  // and process 1
  limit(RLIMIT_MEMLOCK, 64 << 10);
  limit(RLIMIT_MSGQUEUE, 0);
  limit(RLIMIT_RTPRIO, 0);
  limit(RLIMIT_NICE, 0);
  // Polling alone could be outrun by one process that allocates fast. Runtimes map far more than
  // they use, hence the generous bound.
  if (plan.polled_memory_bytes != 0) {
    limit(RLIMIT_DATA, plan.polled_memory_bytes * 4 + (rlim_t{1} << 30));
  }
}

void drop_privileges(const Plan& plan) {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability) {
    must(::prctl(PR_CAPBSET_DROP, capability), "drop a capability");
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  constexpr unsigned long kLocked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
  must(::prctl(PR_SET_SECUREBITS, kLocked), "lock the secure bits");
  set_capabilities({});
  must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges");
  // Keeps /proc/1 of the sandbox closed to the function, which is the same user.
  must(::prctl(PR_SET_DUMPABLE, 0), "become opaque");
  must(::prctl(PR_SET_PDEATHSIG, SIGKILL), "follow the server");
  if (plan.seccomp.empty()) return;
  std::vector<sock_filter> filter(plan.seccomp.size() / sizeof(sock_filter));
  std::memcpy(filter.data(), plan.seccomp.data(), filter.size() * sizeof(sock_filter));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  must(static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)),
       "install the system call filter");
}

}  // namespace sandbox::init
