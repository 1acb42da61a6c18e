// What a sandboxed process may use, and how its end comes.

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "sandbox/sandbox_fixture.h"

extern char** environ;

namespace sandbox {
namespace {

TEST_F(SandboxTest, BoundsTmp) {
  Spec spec = subject({"fill", "/tmp/file"});
  spec.limits.tmp_bytes = 1 << 20;
  EXPECT_EQ(run(std::move(spec)).out, "1048576 No space left on device\n");
}

TEST_F(SandboxTest, EndsAMemoryBombAndSaysSo) {
  Spec spec = subject({"memory"});
  spec.limits.memory_bytes = 32ULL << 20;
  Outcome outcome = run(std::move(spec));
  EXPECT_TRUE(outcome.exit.out_of_memory);
  EXPECT_EQ(outcome.exit.signal, SIGKILL);
  EXPECT_GE(outcome.usage.memory_peak_bytes, 16ULL << 20);
}

TEST_F(SandboxTest, EndsAMemoryBombWithoutCgroups) {
  launcher_.reset();
  HostConfig bare = config();
  bare.use_cgroups = false;
  launcher_ = *HostLauncher::create(bare);
  EXPECT_FALSE(launcher_->capabilities().memory_limit);
  EXPECT_FALSE(launcher_->capabilities().complete());
  Spec spec = subject({"memory"});
  spec.limits.memory_bytes = 32ULL << 20;
  Outcome outcome = run(std::move(spec));
  EXPECT_TRUE(outcome.exit.out_of_memory);
  EXPECT_EQ(outcome.exit.signal, SIGKILL);
  EXPECT_GE(outcome.usage.memory_peak_bytes, 16ULL << 20);
}

TEST_F(SandboxTest, CountsWhatIsWrittenToTmpAsMemory) {
  Spec spec = subject({"fill", "/tmp/file"});
  spec.limits.memory_bytes = 16ULL << 20;
  EXPECT_TRUE(run(std::move(spec)).exit.out_of_memory);
}

TEST_F(SandboxTest, ContainsAForkBomb) {
  Spec spec = subject({"forks"});
  spec.limits.processes = 20;
  const Outcome outcome = run(std::move(spec));
  EXPECT_EQ(outcome.out, "19 Resource temporarily unavailable\n");
  EXPECT_EQ(outcome.exit, Exit{});
}

TEST_F(SandboxTest, ContainsAForkBombWithoutCgroups) {
  launcher_.reset();
  HostConfig bare = config();
  bare.use_cgroups = false;
  launcher_ = *HostLauncher::create(bare);
  Spec spec = subject({"forks"});
  spec.limits.processes = 20;
  EXPECT_EQ(run(std::move(spec)).out, "19 Resource temporarily unavailable\n");
}

TEST_F(SandboxTest, BoundsOpenFilesAndCores) {
  Spec spec = command({"/bin/bash", "-c", "ulimit -n; ulimit -Hn; ulimit -c"});
  spec.limits.open_files = 100;
  EXPECT_EQ(run(std::move(spec)).out, "100\n100\n0\n");
}

TEST_F(SandboxTest, CountsCpuTime) {
  const Outcome outcome =
      run(command({"/bin/bash", "-c", "for ((i = 0; i < 50000; ++i)); do :; done"}));
  EXPECT_GT(outcome.usage.cpu_time, std::chrono::milliseconds(5));
}

TEST_F(SandboxTest, KeepsACpuQuota) {
  if (!launcher_->capabilities().cpu_limit) GTEST_SKIP() << "no cpu cgroup";
  Spec spec = command({"/bin/bash", "-c", "for ((i = 0; i < 100000; ++i)); do :; done"});
  spec.limits.cpu_millis = 200;
  const auto begin = std::chrono::steady_clock::now();
  const Outcome outcome = run(std::move(spec));
  const auto took = std::chrono::steady_clock::now() - begin;
  // A fifth of a CPU; a whole period of 100 ms may be had at once.
  EXPECT_GT(took * 3 / 10 + std::chrono::milliseconds(100), outcome.usage.cpu_time);
}

TEST_F(SandboxTest, KillEndsWhatHasDetachedItself) {
  const auto process = start(subject({"daemon"}));
  EXPECT_EQ(read_line(process->take_stdout()), "ready\n");
  const std::vector<pid_t> all = descendants(process->pid());
  ASSERT_EQ(all.size(), 2U);
  process->kill();
  EXPECT_EQ(wait(*process), (Exit{.signal = SIGKILL}));
  for (const pid_t pid : all) EXPECT_TRUE(is_gone(pid));
  process->kill();
  EXPECT_EQ(wait(*process), (Exit{.signal = SIGKILL}));
}

TEST_F(SandboxTest, TheEndOfTheMainProcessEndsAll) {
  const auto process = start(command({"/bin/sh", "-c", "(sleep 1000 &) ; echo ready; exit 3"}));
  EXPECT_EQ(read_line(process->take_stdout()), "ready\n");
  EXPECT_EQ(wait(*process), (Exit{.code = 3}));
  EXPECT_TRUE(is_gone(process->pid()));
}

TEST_F(SandboxTest, DestroyingTheProcessKillsIt) {
  auto process = start(subject({"pause"}));
  const pid_t pid = process->pid();
  EXPECT_FALSE(is_gone(pid));
  process.reset();
  EXPECT_TRUE(eventually([pid] { return is_gone(pid); }));
}

TEST_F(SandboxTest, DestroyingTheLauncherEndsAllAndLeavesProcessesUsable) {
  const auto process = start(subject({"pause"}));
  const pid_t pid = process->pid();
  launcher_.reset();
  EXPECT_TRUE(is_gone(pid));
  EXPECT_EQ(wait(*process), (Exit{.signal = SIGKILL}));
}

TEST_F(SandboxTest, FreezesAndThaws) {
  const auto process = start(subject({"daemon"}));
  EXPECT_EQ(read_line(process->take_stdout()), "ready\n");
  const std::vector<pid_t> all = descendants(process->pid());
  const auto all_are = [&all](char state) {
    return std::ranges::all_of(all, [state](pid_t pid) { return state_of(pid) == state; });
  };
  process->freeze();
  EXPECT_TRUE(eventually([&] { return all_are('T'); }));
  process->thaw();
  EXPECT_TRUE(eventually([&] { return all_are('S'); }));
  process->freeze();
  process->kill();
  EXPECT_EQ(wait(*process), (Exit{.signal = SIGKILL}));
}

TEST_F(SandboxTest, RefusesMoreThanItsMaximum) {
  launcher_.reset();
  HostConfig small = config();
  small.sandboxes_max = 1;
  launcher_ = *HostLauncher::create(small);
  auto first = start(subject({"pause"}));
  EXPECT_EQ(try_start(subject({"true"})).error().code, base::ErrorCode::kLimit);
  first->kill();
  wait(*first);
  EXPECT_EQ(run(subject({"true"})).exit, Exit{});
}

bool has_cgroups(const std::string& id) {
  std::error_code ignored;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator("/sys/fs/cgroup", options, ignored)) {
    if (entry.path().filename() == "millrace-" + id) return true;
  }
  return false;
}

TEST_F(SandboxTest, LeavesNoCgroupBehind) {
  if (launcher_->capabilities().cgroup == CgroupVersion::kNone) GTEST_SKIP() << "no cgroups";
  run(subject({"true"}));
  EXPECT_TRUE(has_cgroups(config().id));
  launcher_.reset();
  EXPECT_FALSE(has_cgroups(config().id));
}

std::size_t inits_of_this_process() {
  const std::vector<pid_t> all = descendants(::getpid());
  return static_cast<std::size_t>(std::ranges::count_if(all, [](pid_t pid) {
    std::string name;
    std::getline(std::ifstream(fmt::format("/proc/{}/comm", pid)), name);
    return name == "sandbox-init" && !is_gone(pid);
  }));
}

TEST_F(SandboxTest, KeepsSparesAndNoMore) {
  const std::size_t spares = config().spares;
  EXPECT_TRUE(eventually([&] { return inits_of_this_process() == spares; }));
  for (int round = 0; round < 3; ++round) EXPECT_EQ(run(subject({"true"})).exit, Exit{});
  EXPECT_TRUE(eventually([&] { return inits_of_this_process() == spares; }));
  launcher_.reset();
  EXPECT_EQ(inits_of_this_process(), 0U);
}

TEST_F(SandboxTest, DoesWithoutSparesThatWereKilled) {
  EXPECT_TRUE(eventually([] { return inits_of_this_process() == config().spares; }));
  for (const pid_t pid : descendants(::getpid())) ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([] { return inits_of_this_process() == 0; }));
  EXPECT_EQ(run(subject({"true"})).exit, Exit{});
  EXPECT_TRUE(eventually([] { return inits_of_this_process() == config().spares; }));
}

TEST_F(SandboxTest, StartsManyAtOnce) {
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < 20; ++i) processes.push_back(start(subject({"exit", std::to_string(i)})));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(wait(*processes[static_cast<std::size_t>(i)]), (Exit{.code = i}));
  }
}

// Not a test of its own: what TheDeathOfTheServerEndsAll runs in another process.
TEST_F(SandboxTest, DISABLED_HoldASandboxUntilKilled) {
  const auto process = start(subject({"daemon"}));
  read_line(process->take_stdout());
  std::string line = std::to_string(process->pid());
  for (const pid_t pid : descendants(process->pid())) line += " " + std::to_string(pid);
  std::ofstream("/proc/self/fd/9") << line << std::endl;
  wait(*process);
}

struct Other {
  pid_t pid = -1;
  Fd out;
};

// This test program again, with descriptor 9 as a pipe to here.
Other run_self(std::vector<std::string> arguments) {
  int fds[2];
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  Other other{-1, Fd(fds[0])};
  const Fd theirs(fds[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), 9);
  std::vector<char*> argv;
  for (std::string& text : arguments) argv.push_back(text.data());
  argv.push_back(nullptr);
  EXPECT_EQ(::posix_spawnp(&other.pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  return other;
}

int wait_for_other(pid_t pid) {
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

TEST_F(SandboxTest, TheDeathOfTheServerEndsAll) {
  const Other other = run_self({"/proc/self/exe", "--gtest_also_run_disabled_tests",
                                "--gtest_filter=*HoldASandboxUntilKilled", "--gtest_brief=1"});
  std::istringstream line(read_line(other.out));
  std::vector<pid_t> pids;
  for (pid_t pid = 0; line >> pid;) pids.push_back(pid);
  ASSERT_EQ(pids.size(), 3U);
  for (const pid_t pid : pids) EXPECT_FALSE(is_gone(pid));
  ::kill(other.pid, SIGKILL);
  wait_for_other(other.pid);
  for (const pid_t pid : pids) EXPECT_TRUE(eventually([pid] { return is_gone(pid); }));

  // Its groups are still there; the next server of that id removes them.
  HostConfig next = config();
  next.id = fmt::format("test-{}", other.pid);
  if (launcher_->capabilities().cgroup != CgroupVersion::kNone) {
    EXPECT_TRUE(has_cgroups(next.id));
  }
  ASSERT_TRUE(HostLauncher::create(next));
  EXPECT_FALSE(has_cgroups(next.id));
}

TEST_F(SandboxTest, WorksForAnOrdinaryUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "is one already";
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const Other other = run_self(
      {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", self, "--gtest_brief=1"});
  EXPECT_EQ(wait_for_other(other.pid), 0);
}

}  // namespace
}  // namespace sandbox
