// The forms of cgroups, on folders that only look like them.

#include "sandbox/cgroup.h"

#include <fstream>
#include <iterator>

#include "sandbox/sandbox_fixture.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The kernel makes a group's files with its folder; here they are there beforehand.
void prepare(const fs::path& folder, const std::vector<std::string>& files) {
  fs::create_directories(folder);
  for (const std::string& file : files) std::ofstream(folder / file) << "";
}

class CgroupTest : public testing::Test {
 protected:
  Cgroups::Facts facts(const std::string& groups, const std::string& mounts) const {
    host_.write("groups", groups);
    host_.write("mounts", mounts);
    return {host_.path() / "groups", host_.path() / "mounts"};
  }
  std::string mount_line(const std::string& point, const std::string& type,
                         const std::string& options, const std::string& root = "/") const {
    return "30 24 0:26 " + root + " " + (host_.path() / point).string() + " rw,nosuid shared:4 - " +
           type + " " + type + " " + options + "\n";
  }
  const TempFolder host_;
};

constexpr auto kFilesV2 = {"cgroup.events",    "memory.max",    "memory.swap.max",
                           "memory.oom.group", "pids.max",      "cpu.max",
                           "memory.peak",      "memory.events", "cpu.stat"};

TEST_F(CgroupTest, SetsTheLimitsOfVersion2) {
  const fs::path own = host_.path() / "v2/system.slice/millrace.service";
  prepare(own, {"cgroup.subtree_control"});
  std::ofstream(own / "cgroup.controllers") << "cpuset cpu io memory pids\n";
  prepare(own / "millrace-x", {"cgroup.subtree_control"});
  prepare(own / "millrace-x/7", {kFilesV2.begin(), kFilesV2.end()});

  const Cgroups cgroups = Cgroups::open(
      "x", facts("0::/system.slice/millrace.service\n", mount_line("v2", "cgroup2", "rw")));
  EXPECT_EQ(cgroups.version(), CgroupVersion::kV2);
  EXPECT_TRUE(cgroups.has_memory() && cgroups.has_pids() && cgroups.has_cpu());
  Limits limits;
  limits.memory_bytes = 1 << 26;
  limits.processes = 9;
  limits.cpu_millis = 250;
  const Cgroup group = *cgroups.make("7", limits);
  const fs::path folder = own / "millrace-x/7";
  EXPECT_EQ(group.join_files(), std::vector<std::string>{folder / "cgroup.procs"});
  EXPECT_EQ(text_of(folder / "memory.max"), "67108864");
  EXPECT_EQ(text_of(folder / "memory.swap.max"), "0");
  EXPECT_EQ(text_of(folder / "memory.oom.group"), "1");
  EXPECT_EQ(text_of(folder / "pids.max"), "10");
  EXPECT_EQ(text_of(folder / "cpu.max"), "25000 100000");
}

TEST_F(CgroupTest, CountsInVersion2) {
  const fs::path folder = host_.path() / "group";
  prepare(folder, {});
  std::ofstream(folder / "memory.peak") << "4096\n";
  std::ofstream(folder / "cpu.stat") << "usage_usec 17\nuser_usec 9\n";
  std::ofstream(folder / "memory.events") << "low 0\noom 1\noom_kill 2\n";
  const Cgroups::Counts counts = Cgroups::count({{folder}});
  EXPECT_EQ(counts.memory_peak_bytes, 4096U);
  EXPECT_EQ(counts.cpu_time, std::chrono::microseconds(17));
  EXPECT_TRUE(counts.out_of_memory);
}

TEST_F(CgroupTest, GoesUpWhereItsOwnGroupHandsOutNothing) {
  const fs::path slice = host_.path() / "v2/user.slice";
  prepare(slice, {"cgroup.subtree_control"});
  std::ofstream(slice / "cgroup.controllers") << "memory pids\n";
  prepare(slice / "session", {});
  std::ofstream(slice / "session/cgroup.controllers") << "\n";
  prepare(slice / "millrace-x", {"cgroup.subtree_control"});
  const Cgroups cgroups =
      Cgroups::open("x", facts("0::/user.slice/session\n", mount_line("v2", "cgroup2", "rw")));
  EXPECT_TRUE(cgroups.has_memory() && cgroups.has_pids());
  EXPECT_FALSE(cgroups.has_cpu());
}

TEST_F(CgroupTest, SetsTheLimitsOfVersion1) {
  // A container that sees the hierarchy from its own group down.
  const fs::path folder = host_.path() / "memory/millrace-x/7";
  prepare(folder, {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.swappiness"});
  const Cgroups cgroups =
      Cgroups::open("x", facts("4:memory:/docker/1\n0::/\n",
                               mount_line("memory", "cgroup", "rw,memory", "/docker/1")));
  EXPECT_EQ(cgroups.version(), CgroupVersion::kV1);
  EXPECT_TRUE(cgroups.has_memory());
  EXPECT_FALSE(cgroups.has_pids());
  Limits limits;
  limits.memory_bytes = 1 << 26;
  ASSERT_TRUE(cgroups.make("7", limits));
  EXPECT_EQ(text_of(folder / "memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(text_of(folder / "memory.memsw.limit_in_bytes"), "67108864");
}

TEST_F(CgroupTest, IsEmptyOnAHostWithout) {
  const Cgroups cgroups = Cgroups::open("x", facts("0::/\n", ""));
  EXPECT_EQ(cgroups.version(), CgroupVersion::kNone);
  EXPECT_TRUE(cgroups.make("7", {})->folders.empty());
}

}  // namespace
}  // namespace sandbox
