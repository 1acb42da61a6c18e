#include "sandbox/init/inner.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "sandbox/init/network.h"
#include "sandbox/init/privileges.h"
#include "sandbox/init/report.h"
#include "sandbox/init/root.h"
#include "sandbox/init/supervisor.h"

namespace sandbox::init {
namespace {

void await_gate(int gate, char expected) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(gate, &byte, 1);
  } while (got < 0 && errno == EINTR);
  // The other side has reported why.
  if (got != 1 || byte != expected) ::_exit(1);
}

// Runs in the child of process 1, which has no rights left: becomes the function.
[[noreturn]] void become_main(const Plan& plan, int failed_fd) {
  std::vector<char*> argv;
  for (const std::string& text : plan.argv) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (const std::string& text : plan.environment) {
    environment.push_back(const_cast<char*>(text.c_str()));
  }
  environment.push_back(nullptr);

  const auto give_up = [failed_fd](char stage) {
    const int what[2] = {errno, stage};
    [[maybe_unused]] const ssize_t written = ::write(failed_fd, what, sizeof what);
    ::_exit(127);
  };
  ::setsid();
  const int null_fd = ::open("/dev/null", O_RDONLY);
  if (null_fd < 0 || ::dup2(null_fd, 0) < 0) give_up('n');
  if (::dup2(kStdoutFd, 1) < 0 || ::dup2(kStderrFd, 2) < 0) give_up('o');
  if (::chdir(plan.cwd.c_str()) != 0) give_up('c');
  // `failed_fd` closes itself as well, which is the sign of success.
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up('f');
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(argv[0], argv.data(), environment.data());
  give_up('e');
  ::_exit(127);
}

pid_t start_main(const Plan& plan) {
  int failed[2];
  must(::pipe2(failed, O_CLOEXEC), "make a pipe");
  const pid_t pid = must(::fork(), "fork");
  if (pid == 0) become_main(plan, failed[1]);
  ::close(failed[1]);
  int what[2] = {};
  ssize_t got = 0;
  do {
    got = ::read(failed[0], what, sizeof what);
  } while (got < 0 && errno == EINTR);
  ::close(failed[0]);
  if (got == 0) return pid;
  if (what[1] == 'e') fail("run", plan.argv[0], what[0]);
  if (what[1] == 'c') fail("change to", plan.cwd, what[0]);
  fail("set up the main process", what[0]);
}

}  // namespace

void run_inner(Plan plan, int gate) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();
  must(::sethostname(plan.hostname.data(), plan.hostname.size()), "set the host name");
  await_gate(gate, 'm');

  Sources sources(plan);  // as the server's user, who may enter the folders above them
  become_sandbox_user(plan);
  build_root(plan, std::move(sources));
  open_listeners(plan);
  await_gate(gate, 'g');
  ::close(gate);
  ::unshare(CLONE_NEWCGROUP);  // hides the group's name; without it only the name shows

  set_limits(plan);
  drop_privileges(plan);
  Message started;
  started.kind = MessageKind::kStarted;
  if (plan.argv.empty()) {
    send(started);
    ::_exit(0);
  }
  // Blocked before the first child exists, so that its end is not missed.
  const int signals = supervisor_signals();
  const pid_t main_pid = start_main(plan);
  ::close(kStdoutFd);
  ::close(kStderrFd);
  send(started);
  supervise(plan, main_pid, signals);
}

}  // namespace sandbox::init
