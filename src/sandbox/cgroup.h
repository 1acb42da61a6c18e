#pragma once

// The cgroups that hold sandboxes: one group `millrace-<id>` below the server's own, and in it one
// per sandbox, in every hierarchy that is of use. Used from the launcher's thread only, but for
// usage(). All calls are short writes to the kernel's files.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/host_launcher.h"

namespace sandbox {

// One sandbox's groups.
struct Cgroup {
  // In the order of the hierarchies.
  std::vector<std::filesystem::path> folders;
  // Where a pid is written to move its process in.
  std::vector<std::string> join_files() const;
};

class Cgroups {
 public:
  // What the kernel tells of this process; tests have their own.
  struct Facts {
    std::filesystem::path groups = "/proc/self/cgroup";
    std::filesystem::path mounts = "/proc/self/mountinfo";
  };
  // The groups of this process, wherever the host mounts them. An empty one (version() is kNone) if
  // it may not make any.
  static Cgroups open(const std::string& id, const Facts& facts);
  // For hosts without, and tests.
  Cgroups() = default;

  CgroupVersion version() const { return version_; }
  bool has_memory() const { return has(kMemory); }
  bool has_pids() const { return has(kPids); }
  bool has_cpu() const { return has(kCpu); }

  base::Result<Cgroup> make(const std::string& name, const Limits& limits) const;
  // False while the kernel still holds on to it: try again a little later.
  static bool remove(const Cgroup& group);
  // What of it the kernel counts; nothing for what it does not.
  struct Counts {
    std::optional<std::uint64_t> memory_peak_bytes;
    std::optional<std::chrono::nanoseconds> cpu_time;
    bool out_of_memory = false;
  };
  static Counts count(const Cgroup& group);
  // The first of these alone.
  static std::optional<std::uint64_t> memory_peak_bytes(const Cgroup& group);

  // Kills and removes what an earlier server left.
  void remove_stale() const;
  // Removes the group itself; it must be empty.
  void remove_all() const;

 private:
  static constexpr unsigned kMemory = 1, kPids = 2, kCpu = 4, kCpuAccounting = 8;
  struct Hierarchy {
    std::filesystem::path folder;  // of `millrace-<id>`
    unsigned controllers = 0;
  };
  bool has(unsigned controller) const;
  bool add_v1(const std::filesystem::path& own, const std::string& id, unsigned controller);
  bool add_v2(const std::filesystem::path& parent, const std::string& id);
  bool add_nearest_v2(const std::filesystem::path& own, const std::filesystem::path& mount,
                      const std::string& id);

  CgroupVersion version_ = CgroupVersion::kNone;
  std::vector<Hierarchy> hierarchies_;
};

}  // namespace sandbox
