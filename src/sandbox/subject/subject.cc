// What the sandbox's tests put into sandboxes: a small program that misbehaves in the way its first
// argument says and prints what came of it.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace {

int say(const char* what, long result) {
  std::printf("%s=%s\n", what, result < 0 ? std::strerror(errno) : "allowed");
  return 0;
}

int print_environment() {
  for (char** one = environ; *one != nullptr; ++one) std::puts(*one);
  return 0;
}

int eat_memory() {
  constexpr std::size_t kStep = 1 << 20;
  for (;;) {
    void* const block = ::mmap(nullptr, kStep, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (block == MAP_FAILED) return 3;
  }
}

int fork_until_refused() {
  int count = 0;
  for (; count < 100'000; ++count) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (;;) ::pause();
    }
    if (pid < 0) break;
  }
  std::printf("%d %s\n", count, std::strerror(errno));
  return 0;
}

// A grandchild in a session of its own that nobody here waits for.
int leave_a_daemon() {
  if (::fork() == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    for (;;) ::pause();
  }
  ::wait(nullptr);
  std::puts("ready");
  std::fflush(stdout);
  for (;;) ::pause();
}

int try_system_calls() {
  char buffer[64] = {};
  iovec part{buffer, sizeof buffer};
  say("mount", ::mount("tmpfs", "/tmp", "tmpfs", 0, nullptr));
  say("umount", ::umount2("/tmp", 0));
  say("ptrace", ::ptrace(PTRACE_ATTACH, 1, nullptr, nullptr));
  say("unshare", ::unshare(CLONE_NEWUSER));
  say("setns", ::setns(0, 0));
  say("clone", ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  say("clone3", ::syscall(SYS_clone3, nullptr, 0));
  say("keyctl", ::syscall(SYS_keyctl, 0, 0, 0, 0, 0));
  say("bpf", ::syscall(SYS_bpf, 0, nullptr, 0));
  say("perf_event_open", ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0));
  say("userfaultfd", ::syscall(SYS_userfaultfd, 0));
  say("io_uring_setup", ::syscall(SYS_io_uring_setup, 1, nullptr));
  say("open_by_handle_at", ::syscall(SYS_open_by_handle_at, -1, nullptr, 0));
  say("reboot", ::syscall(SYS_reboot, 0, 0, 0, nullptr));
  say("swapon", ::syscall(SYS_swapon, nullptr, 0));
  say("kexec_load", ::syscall(SYS_kexec_load, 0, 0, nullptr, 0));
  say("init_module", ::syscall(SYS_init_module, nullptr, 0, nullptr));
  say("process_vm_readv", ::process_vm_readv(1, &part, 1, &part, 1, 0));
  say("sethostname", ::sethostname("x", 1));
  say("chroot", ::chroot("/tmp"));
  say("vsock", ::socket(40, SOCK_STREAM, 0));
  say("packet", ::socket(17, SOCK_RAW, 0));
  say("raw", ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  say("setuid", ::setuid(0));
  say("kill 1", ::kill(1, SIGKILL) == 0 && ::kill(1, 0) == 0 ? (errno = EPERM, -1) : 0);
  say("mem of 1", ::open("/proc/1/mem", O_RDONLY));
  say("fds of 1", ::open("/proc/1/fd/3", O_RDONLY));
  say("raise NOFILE", [] {
    const rlimit limit{1 << 20, 1 << 20};
    return ::setrlimit(RLIMIT_NOFILE, &limit);
  }());
  return 0;
}

int talk(int type, const char* address, const char* port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  ::inet_pton(AF_INET, address, &to.sin_addr);
  const int fd = ::socket(AF_INET, type, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    return say("connect", -1);
  }
  if (::write(fd, "ping", 4) != 4) return say("write", -1);
  char reply[16] = {};
  if (::read(fd, reply, sizeof reply - 1) < 0) return say("read", -1);
  std::printf("got %s\n", reply);
  return 0;
}

int fill(const char* path) {
  const int fd = ::open(path, O_WRONLY | O_CREAT, 0600);
  if (fd < 0) return say("open", -1);
  const std::vector<char> block(1 << 16, 'x');
  long total = 0;
  for (;;) {
    const ssize_t written = ::write(fd, block.data(), block.size());
    if (written <= 0) break;
    total += written;
  }
  std::printf("%ld %s\n", total, std::strerror(errno));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "true") return 0;
  if (verb == "exit") return std::atoi(argv[2]);
  if (verb == "abort") std::abort();
  if (verb == "environment") return print_environment();
  if (verb == "memory") return eat_memory();
  if (verb == "forks") return fork_until_refused();
  if (verb == "daemon") return leave_a_daemon();
  if (verb == "calls") return try_system_calls();
  if (verb == "tcp") return talk(SOCK_STREAM, argv[2], argv[3]);
  if (verb == "udp") return talk(SOCK_DGRAM, argv[2], argv[3]);
  if (verb == "fill") return fill(argv[2]);
  if (verb == "pause") {
    for (;;) ::pause();
  }
  return 99;
}
