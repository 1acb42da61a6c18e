#include "sandbox/init/outer.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "sandbox/init/inner.h"
#include "sandbox/init/report.h"

namespace sandbox::init {
namespace {

// One write, as the files of /proc and of cgroups want it.
void write_file(const std::string& path, const std::string& bytes) {
  const int fd = must(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "open", path);
  must(static_cast<int>(::write(fd, bytes.data(), bytes.size())), "write", path);
  ::close(fd);
}

// When the host runs out of memory, functions go before the server. Refused if the server itself
// was marked stronger than that, which is as good.
void prefer_as_victim(const std::string& proc) {
  const int fd = ::open((proc + "oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(fd, "500", 3);
  ::close(fd);
}

pid_t clone_inner(const Plan& plan) {
  clone_args args{};
  args.flags = CLONE_PARENT | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
               CLONE_NEWNET | (plan.user_namespace ? CLONE_NEWUSER : 0U);
  // With CLONE_PARENT the child signals as this process does (SIGCHLD); naming one is an error.
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) fail("make the namespaces", errno);
  return static_cast<pid_t>(pid);
}

void map_user(const Plan& plan, const std::string& proc) {
  if (!plan.user_namespace) return;
  // Whoever may map only himself must give up setgroups() first.
  if (plan.map_self) write_file(proc + "setgroups", "deny");
  const auto line = [](std::uint32_t inside, std::uint32_t outside) {
    return std::to_string(inside) + " " + std::to_string(outside) + " 1\n";
  };
  write_file(proc + "gid_map", line(plan.gid, plan.host_gid));
  write_file(proc + "uid_map", line(plan.uid, plan.host_uid));
}

}  // namespace

int run_outer(Plan plan) {
  int gate[2];
  must(::pipe2(gate, O_CLOEXEC), "make a pipe");
  const pid_t pid = clone_inner(plan);
  if (pid == 0) {
    ::close(gate[1]);
    run_inner(std::move(plan), gate[0]);
  }
  ::close(gate[0]);
  // Failing from here on closes the gate, and process 1 ends at that.
  Message message;
  message.kind = MessageKind::kPid;
  message.value = pid;
  send(message);

  const std::string proc = "/proc/" + std::to_string(pid) + "/";
  prefer_as_victim(proc);
  map_user(plan, proc);
  must(static_cast<int>(::write(gate[1], "m", 1)), "open the gate");
  // Joining a cgroup may wait some 10 ms for the kernel; process 1 builds its root meanwhile.
  for (const std::string& file : plan.cgroup_files) write_file(file, std::to_string(pid));
  must(static_cast<int>(::write(gate[1], "g", 1)), "open the gate");
  return 0;
}

}  // namespace sandbox::init
