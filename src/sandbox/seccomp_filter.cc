#include "sandbox/seccomp_filter.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "sandbox/fd.h"

namespace sandbox {
namespace {

// Names that libseccomp or this architecture does not know are skipped.
// clang-format off
constexpr auto kAllowed = std::to_array<const char*>({
    // files
    "access", "chdir", "chmod", "close", "close_range", "copy_file_range", "creat", "dup",
    "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod",
    "fchmodat", "fchmodat2", "fchown", "fchownat", "chown", "lchown", "fcntl", "fdatasync",
    "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs",
    "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr",
    "lgetxattr", "link", "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek",
    "lsetxattr", "lstat", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat", "open",
    "openat", "openat2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2",
    "read", "readahead", "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat",
    "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs", "statx",
    "symlink", "symlinkat", "sync_file_range", "tee", "truncate", "umask", "unlink", "unlinkat",
    "utime", "utimensat", "utimes", "vmsplice", "write", "writev", "memfd_create",
    "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "ioctl",
    // memory
    "brk", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mlockall", "mmap",
    "mprotect", "mremap", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free",
    "pkey_mprotect", "get_mempolicy", "mbind", "set_mempolicy", "map_shadow_stack",
    // processes and threads
    "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork",
    "vfork", "futex", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue",
    "get_robust_list", "set_robust_list", "get_thread_area", "set_thread_area", "getcpu",
    "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid",
    "getpriority", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "gettid",
    "getuid", "kill", "pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "rseq",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
    "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "set_tid_address",
    "setfsgid", "setfsuid", "setgid", "setgroups", "setpgid", "setpriority", "setregid",
    "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setuid", "tgkill", "tkill",
    "wait4", "waitid", "waitpid", "ioprio_get", "ioprio_set", "seccomp", "riscv_flush_icache",
    // signals and time
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday",
    "nanosleep", "pause", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
    "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo",
    "setitimer", "sigaltstack", "signalfd", "signalfd4", "time", "timer_create", "timer_delete",
    "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime",
    "timerfd_settime", "times",
    // waiting and talking
    "accept", "accept4", "bind", "connect", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "getpeername",
    "getsockname", "getsockopt", "listen", "pipe", "pipe2", "poll", "ppoll", "pselect6",
    "recvfrom", "recvmmsg", "recvmsg", "select", "sendmmsg", "sendmsg", "sendto", "setsockopt",
    "shutdown", "io_setup", "io_submit", "io_getevents", "io_pgetevents", "io_cancel",
    "io_destroy", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend",
    "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop",
    "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
    // about the machine
    "getrandom", "sysinfo", "uname",
});
// clang-format on

// These are refused as forbidden; whatever is in neither list does not exist (ENOSYS), which lets
// libraries fall back from calls that are newer than this list.
// clang-format off
constexpr auto kForbidden = std::to_array<const char*>({
    "acct", "add_key", "bpf", "chroot", "clock_adjtime", "clock_settime", "delete_module",
    "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp",
    "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mount", "mount_setattr",
    "move_mount", "move_pages", "migrate_pages", "name_to_handle_at", "open_by_handle_at",
    "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root", "process_madvise",
    "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "quotactl_fd", "reboot",
    "request_key", "set_mempolicy_home_node", "setdomainname", "sethostname", "setns",
    "settimeofday", "swapoff", "swapon", "syslog", "umount2", "unshare", "userfaultfd",
    "vhangup",
});
// clang-format on

// A new namespace would give its maker every capability in it, and with that kernel code that was
// never meant for strangers.
constexpr auto kNewNamespaces =
    std::to_array<std::uint64_t>({CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                  CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET});

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS))) {}
  ~Filter() {
    if (context_ != nullptr) ::seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  bool valid() const { return context_ != nullptr && error_ == 0; }
  scmp_filter_ctx context() const { return context_; }

  template <class... Compare>
  void rule(std::uint32_t action, const char* name, Compare... compare) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number < 0 || context_ == nullptr) return;
    const scmp_arg_cmp arguments[] = {compare..., scmp_arg_cmp{}};
    const int result =
        ::seccomp_rule_add_array(context_, action, number, sizeof...(compare), arguments);
    if (result != 0 && error_ == 0) error_ = result;
  }
  template <class... Compare>
  void allow(const char* name, Compare... compare) {
    rule(SCMP_ACT_ALLOW, name, compare...);
  }

 private:
  scmp_filter_ctx context_;
  int error_ = 0;
};

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

void add_conditional_rules(Filter& filter) {
#if defined(__s390__)
#error "clone() takes its flags in another place here"
#endif
  // clone3 keeps its flags where no filter can look; libraries fall back to clone (ENOSYS).
  std::uint64_t all = 0;
  for (const std::uint64_t flag : kNewNamespaces) {
    all |= flag;
    filter.rule(SCMP_ACT_ERRNO(EPERM), "clone", masked(0, flag, flag));
  }
  filter.allow("clone", masked(0, all, 0));
  // Other families reach beyond the network namespace (vsock) or are rarely used kernel code.
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    filter.allow("socket", equals(0, static_cast<std::uint64_t>(family)));
  }
  // Name resolution lists the interfaces through NETLINK_ROUTE.
  filter.allow("socket", equals(0, AF_NETLINK), equals(2, 0));
  filter.allow("socketpair", equals(0, AF_UNIX));
  for (const unsigned long persona : {0x0UL, 0x8UL, 0x20000UL, 0x20008UL, 0xffffffffUL}) {
    filter.allow("personality", equals(0, persona));
  }
  // What is writable is memory: there is nothing to sync but the host's own disks.
  for (const char* const name : {"sync", "syncfs"}) filter.rule(SCMP_ACT_ERRNO(0), name);
}

}  // namespace

bool seccomp_supported() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

base::Result<std::string> make_seccomp_filter() {
  Filter filter;
  for (const char* const name : kAllowed) filter.allow(name);
  for (const char* const name : kForbidden) filter.rule(SCMP_ACT_ERRNO(EPERM), name);
  add_conditional_rules(filter);
  if (!filter.valid()) return base::error(base::ErrorCode::kInternal, "make the seccomp filter");
  ::seccomp_attr_set(filter.context(), SCMP_FLTATR_CTL_OPTIMIZE, 2);

  Fd file(::memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return base::errno_error("make a memory file", errno);
  const int exported = ::seccomp_export_bpf(filter.context(), file.get());
  if (exported != 0) return base::errno_error("export the seccomp filter", -exported);
  std::string bytes(static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return base::errno_error("read the seccomp filter", errno);
  }
  return bytes;
}

}  // namespace sandbox
