#include "sandbox/init/supervisor.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "sandbox/init/children.h"
#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

// How often memory is measured where no cgroup keeps the limit.
constexpr int kPollMs = 20;

std::uint64_t used_by_tmpfs(const char* path) {
  struct statfs about{};
  if (::statfs(path, &about) != 0) return 0;
  return (about.f_blocks - about.f_bfree) * static_cast<std::uint64_t>(about.f_bsize);
}

std::uint64_t kib_after(const std::string& text, const char* name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return 0;
  return std::strtoull(text.c_str() + at + std::strlen(name), nullptr, 10);
}

// Memory of the process that is not a file's. Shared memory counts with each that maps it.
std::uint64_t bytes_of(const char* pid) {
  const std::string path = std::string("/proc/") + pid + "/status";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  std::string text(4096, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  ::close(fd);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return (kib_after(text, "\nRssAnon:") + kib_after(text, "\nRssShmem:")) * 1024;
}

std::uint64_t memory_used() {
  std::uint64_t bytes = used_by_tmpfs("/tmp") + used_by_tmpfs("/dev/shm");
  DIR* const proc = ::opendir("/proc");
  if (proc == nullptr) return bytes;
  while (const dirent* const entry = ::readdir(proc)) {
    if (entry->d_name[0] > '0' && entry->d_name[0] <= '9') bytes += bytes_of(entry->d_name);
  }
  ::closedir(proc);
  return bytes;
}

class Supervisor {
 public:
  Supervisor(const Plan& plan, Children children, int signals)
      : plan_(plan), children_(std::move(children)), signals_(signals) {}

  [[noreturn]] void run() {
    for (;;) {
      pollfd waits[2] = {{kControlFd, POLLIN, 0}, {signals_, POLLIN, 0}};
      const bool measures = plan_.polled_memory_bytes != 0 && !frozen_;
      ::poll(waits, 2, measures ? kPollMs : -1);
      if (waits[1].revents != 0) reap();
      if (waits[0].revents != 0) obey();
      if (measures) measure();
    }
  }

 private:
  void obey() {
    char command = 0;
    const ssize_t got = ::recv(kControlFd, &command, 1, MSG_DONTWAIT);
    if (got == 0) ::_exit(1);  // the server is gone
    if (got != 1) return;
    if (command == kProceed) return proceed();
    if (command == kWindDown) return wind_down();
    // -1 is every process of the sandbox but this one.
    frozen_ = command == kFreeze;
    ::kill(-1, frozen_ ? SIGSTOP : SIGCONT);
  }

  void proceed() {
    if (children_.main != 0 || winding_down_) return;
    const LateStart started = start_main_late(plan_);
    ::close(kStdoutFd);
    ::close(kStderrFd);
    if (started.pid == 0) end(started.status);
    children_.main = started.pid;
  }

  void wind_down() {
    winding_down_ = true;
    if (children_.main > 0) ::kill(children_.main, SIGTERM);
    end_if_alone();
  }

  void end_if_alone() {
    for (const pid_t pid : children_.companions)
      if (pid != 0) return;
    end(0);
  }

  void lost(pid_t pid, int status) {
    if (pid == children_.main && !winding_down_) end(status);
    if (pid == children_.main) children_.main = -1;
    for (std::size_t i = 0; i < children_.companions.size(); ++i) {
      if (pid != children_.companions[i]) continue;
      children_.companions[i] = 0;
      if (!winding_down_) end(status, static_cast<std::int32_t>(i));
      end_if_alone();
    }
  }

  void reap() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof info) > 0) {
    }
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      lost(pid, status);
    }
  }

  void measure() {
    const std::uint64_t used = memory_used();
    peak_ = std::max(peak_, used);
    if (used <= plan_.polled_memory_bytes) return;
    out_of_memory_ = true;
    end(SIGKILL);  // as a wait status: ended by that signal
  }

  [[noreturn]] void end(int status, std::int32_t companion = -1) {
    Message message;
    message.kind = MessageKind::kEnded;
    message.value = status;
    message.companion = companion;
    message.out_of_memory = out_of_memory_;
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    message.memory_peak_bytes = std::max(peak_, static_cast<std::uint64_t>(usage.ru_maxrss) * 1024);
    const auto ns = [](const timeval& time) {
      return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000ULL +
             static_cast<std::uint64_t>(time.tv_usec) * 1000ULL;
    };
    message.cpu_ns = ns(usage.ru_utime) + ns(usage.ru_stime);
    send(message);
    ::_exit(0);
  }

  const Plan& plan_;
  Children children_;
  const int signals_;
  bool frozen_ = false;
  bool winding_down_ = false;
  bool out_of_memory_ = false;
  std::uint64_t peak_ = 0;
};

}  // namespace

int supervisor_signals() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  must(::sigprocmask(SIG_BLOCK, &child, nullptr), "block a signal");
  return must(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), "watch the children");
}

void supervise(const Plan& plan, Children children, int signals) {
  Supervisor(plan, std::move(children), signals).run();
}

}  // namespace sandbox::init
