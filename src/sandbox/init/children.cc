#include "sandbox/init/children.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

constexpr int kCannotRun = 127;  // what a shell ends with

struct Command {
  const std::vector<std::string>& argv;
  int out;
  int err;
};

// What went wrong in the child, and where; no error: it runs.
struct Started {
  pid_t pid = 0;
  int error = 0;
  char stage = 0;
};

// Runs in the child of process 1, which has no rights left: becomes the program.
[[noreturn]] void become(const Plan& plan, const Command& command, int failed_fd) {
  std::vector<char*> argv;
  for (const std::string& text : command.argv) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> environment;
  for (const std::string& text : plan.environment) {
    environment.push_back(const_cast<char*>(text.c_str()));
  }
  environment.push_back(nullptr);

  const auto give_up = [failed_fd](char stage) {
    const int what[2] = {errno, stage};
    [[maybe_unused]] const ssize_t written = ::write(failed_fd, what, sizeof what);
    ::_exit(kCannotRun);
  };
  ::setsid();
  const int null_fd = ::open("/dev/null", O_RDONLY);
  if (null_fd < 0 || ::dup2(null_fd, 0) < 0) give_up('n');
  if (::dup2(command.out, 1) < 0 || ::dup2(command.err, 2) < 0) give_up('o');
  if (::chdir(plan.cwd.c_str()) != 0) give_up('c');
  // `failed_fd` closes itself as well, which is the sign of success.
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) give_up('f');
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(argv[0], argv.data(), environment.data());
  give_up('e');
  ::_exit(kCannotRun);
}

Started start(const Plan& plan, const Command& command) {
  int failed[2];
  must(::pipe2(failed, O_CLOEXEC), "make a pipe");
  const pid_t pid = must(::fork(), "fork");
  if (pid == 0) become(plan, command, failed[1]);
  ::close(failed[1]);
  int what[2] = {};
  ssize_t got = 0;
  do {
    got = ::read(failed[0], what, sizeof what);
  } while (got < 0 && errno == EINTR);
  ::close(failed[0]);
  if (got == 0) return {.pid = pid};
  return {.error = what[0], .stage = static_cast<char>(what[1])};
}

pid_t must_start(const Plan& plan, const Command& command) {
  const Started started = start(plan, command);
  if (started.pid != 0) return started.pid;
  if (started.stage == 'e') fail("run", command.argv[0], started.error);
  if (started.stage == 'c') fail("change to", plan.cwd, started.error);
  fail("set up a process", started.error);
}

Command main_command(const Plan& plan) {
  return {
      .argv = plan.argv, .out = kStdoutFd, .err = plan.merge_output != 0 ? kStdoutFd : kStderrFd};
}

}  // namespace

pid_t start_main(const Plan& plan) { return must_start(plan, main_command(plan)); }

pid_t start_companion(const Plan& plan, const PlanCommand& command) {
  return must_start(plan, {.argv = command.argv, .out = kStderrFd, .err = kStderrFd});
}

LateStart start_main_late(const Plan& plan) {
  const Started started = start(plan, main_command(plan));
  if (started.pid != 0) return {.pid = started.pid};
  return {.status = kCannotRun << 8};
}

}  // namespace sandbox::init
