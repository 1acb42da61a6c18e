#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>

namespace sandbox {
namespace {

namespace fs = std::filesystem;

bool write_value(const fs::path& file, std::string_view value) {
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

std::optional<std::string> read_text(const fs::path& file) {
  std::ifstream in(file);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> read_number(const fs::path& file) {
  const auto text = read_text(file);
  return text ? parse_number(*text) : std::nullopt;
}

// The number behind `key` in a file of "key number" lines.
std::optional<std::uint64_t> read_keyed(const fs::path& file, std::string_view key) {
  const auto text = read_text(file);
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  for (std::string name, value; lines >> name >> value;) {
    if (name == key) return parse_number(value);
  }
  return std::nullopt;
}

bool contains_word(std::string_view list, std::string_view word, char separator) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

struct Place {
  fs::path mount;
  fs::path own;  // at or below it
};

// This process's group in the hierarchy whose mount `matches(type, options)`.
template <class Matches>
std::optional<Place> own_place(const fs::path& mountinfo, std::string_view group, Matches matches) {
  std::ifstream mounts(mountinfo);
  for (std::string line; std::getline(mounts, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream front(line.substr(0, dash));
    std::istringstream back(line.substr(dash + 3));
    std::string skip, root, point, type, source, options;
    front >> skip >> skip >> skip >> root >> point;
    back >> type >> source >> options;
    if (!matches(type, options)) continue;
    // A container may see only a part of the hierarchy, from `root` down.
    std::string_view below = group;
    if (root != "/") {
      if (!below.starts_with(root)) continue;
      below.remove_prefix(root.size());
    }
    while (below.starts_with('/')) below.remove_prefix(1);
    return Place{point, below.empty() ? fs::path(point) : fs::path(point) / below};
  }
  return std::nullopt;
}

void kill_members(const fs::path& folder) {
  if (write_value(folder / "cgroup.kill", "1")) return;
  std::ifstream members(folder / "cgroup.procs");
  for (pid_t pid = 0; members >> pid;) {
    if (pid > 0 && pid != ::getpid()) ::kill(pid, SIGKILL);
  }
}

bool make_folder(const fs::path& folder) {
  return ::mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST;
}

constexpr auto kCpuPeriodUs = 100'000U;

}  // namespace

std::vector<std::string> Cgroup::join_files() const {
  std::vector<std::string> files;
  for (const fs::path& folder : folders) files.push_back(folder / "cgroup.procs");
  return files;
}

bool Cgroups::has(unsigned controller) const {
  return std::ranges::any_of(hierarchies_, [controller](const Hierarchy& hierarchy) {
    return (hierarchy.controllers & controller) != 0;
  });
}

bool Cgroups::add_v1(const fs::path& own, const std::string& id, unsigned controller) {
  const fs::path folder = own / ("millrace-" + id);
  for (Hierarchy& known : hierarchies_) {
    if (known.folder != folder) continue;
    known.controllers |= controller;  // cpu and cpuacct are often mounted together
    return true;
  }
  if (!make_folder(folder)) return false;
  hierarchies_.push_back({folder, controller});
  return true;
}

bool Cgroups::add_v2(const fs::path& parent, const std::string& id) {
  const auto offered = read_text(parent / "cgroup.controllers");
  if (!offered) return false;
  std::string list = *offered;
  std::ranges::replace(list, '\n', ' ');
  unsigned controllers = 0;
  std::vector<std::string> wanted;
  for (const auto& [name, bit] : {std::pair{"memory", kMemory}, {"pids", kPids}, {"cpu", kCpu}}) {
    if (!contains_word(list, name, ' ')) continue;
    controllers |= bit;
    wanted.push_back(std::string("+") + name);
  }
  if (controllers == 0) return false;
  const auto enable = [&wanted](const fs::path& folder) {
    return std::ranges::all_of(wanted, [&folder](const std::string& one) {
      return write_value(folder / "cgroup.subtree_control", one);
    });
  };
  if (!enable(parent)) {
    // A group with processes cannot hand out controllers: the server steps down into a leaf. That
    // helps only if it was alone there.
    const fs::path leaf = parent / ("millrace-server-" + id);
    if (!make_folder(leaf)) return false;
    const std::string self = std::to_string(::getpid());
    if (!write_value(leaf / "cgroup.procs", self) || !enable(parent)) {
      write_value(parent / "cgroup.procs", self);
      ::rmdir(leaf.c_str());
      return false;
    }
  }
  const fs::path folder = parent / ("millrace-" + id);
  if (!make_folder(folder) || !enable(folder)) {
    ::rmdir(folder.c_str());
    return false;
  }
  if ((controllers & kCpu) != 0) controllers |= kCpuAccounting;
  hierarchies_.push_back({folder, controllers});
  return true;
}

// In the server's own group, or where that is shared with others (a login session, say), in the
// nearest one above that will have it.
bool Cgroups::add_nearest_v2(const fs::path& own, const fs::path& mount, const std::string& id) {
  for (fs::path parent = own;; parent = parent.parent_path()) {
    if (add_v2(parent, id)) return true;
    if (parent == mount || parent == parent.root_path()) return false;
  }
}

Cgroups Cgroups::open(const std::string& id, const Facts& facts) {
  Cgroups cgroups;
  std::ifstream groups(facts.groups);
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      const auto place =
          own_place(facts.mounts, group, [](auto& type, auto&) { return type == "cgroup2"; });
      if (place && cgroups.add_nearest_v2(place->own, place->mount, id) &&
          cgroups.version_ == CgroupVersion::kNone) {
        cgroups.version_ = CgroupVersion::kV2;
      }
      continue;
    }
    for (const auto& [name, bit] : {std::pair{"memory", kMemory},
                                    {"pids", kPids},
                                    {"cpu", kCpu},
                                    {"cpuacct", kCpuAccounting}}) {
      if (!contains_word(controllers, name, ',')) continue;
      const auto place = own_place(facts.mounts, group, [name](auto& type, auto& options) {
        return type == "cgroup" && contains_word(options, name, ',');
      });
      if (place && cgroups.add_v1(place->own, id, bit)) cgroups.version_ = CgroupVersion::kV1;
    }
  }
  return cgroups;
}

base::Result<Cgroup> Cgroups::make(const std::string& name, const Limits& limits) const {
  Cgroup group;
  const auto fail = [&group](const fs::path& file) {
    const int error_number = errno;
    remove(group);
    return base::errno_error("limit the sandbox in " + file.string(), error_number);
  };
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (hierarchy.controllers == kCpu && limits.cpu_millis == 0) continue;
    const fs::path folder = hierarchy.folder / name;
    if (!make_folder(folder)) return fail(folder);
    group.folders.push_back(folder);
    const bool v2 = fs::exists(folder / "cgroup.events");
    if ((hierarchy.controllers & kMemory) != 0) {
      const std::string bytes = std::to_string(limits.memory_bytes);
      const fs::path file = folder / (v2 ? "memory.max" : "memory.limit_in_bytes");
      if (!write_value(file, bytes)) return fail(file);
      // Where the kernel counts swap: none of it.
      if (v2) write_value(folder / "memory.swap.max", "0");
      else write_value(folder / "memory.memsw.limit_in_bytes", bytes);
      if (v2) write_value(folder / "memory.oom.group", "1");
      else write_value(folder / "memory.swappiness", "0");
    }
    if ((hierarchy.controllers & kPids) != 0) {
      // And process 1.
      const std::string count = std::to_string(std::uint64_t{limits.processes} + 1);
      if (!write_value(folder / "pids.max", count)) return fail(folder / "pids.max");
    }
    if ((hierarchy.controllers & kCpu) != 0 && limits.cpu_millis != 0) {
      const std::uint64_t quota = std::uint64_t{limits.cpu_millis} * kCpuPeriodUs / 1000;
      const bool done =
          v2 ? write_value(folder / "cpu.max", fmt::format("{} {}", quota, kCpuPeriodUs))
             : write_value(folder / "cpu.cfs_quota_us", std::to_string(quota));
      if (!done) return fail(folder);
    }
  }
  return group;
}

bool Cgroups::remove(const Cgroup& group) {
  bool gone = true;
  for (const fs::path& folder : group.folders) {
    if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) gone = false;
  }
  return gone;
}

std::optional<std::uint64_t> Cgroups::memory_peak_bytes(const Cgroup& group) {
  for (const fs::path& folder : group.folders) {
    for (const char* const name : {"memory.peak", "memory.max_usage_in_bytes"}) {
      if (const auto bytes = read_number(folder / name)) return bytes;
    }
  }
  return std::nullopt;
}

Cgroups::Counts Cgroups::count(const Cgroup& group) {
  Counts counts{.memory_peak_bytes = memory_peak_bytes(group)};
  for (const fs::path& folder : group.folders) {
    if (const auto ns = read_number(folder / "cpuacct.usage")) {
      counts.cpu_time = std::chrono::nanoseconds(*ns);
    } else if (const auto us = read_keyed(folder / "cpu.stat", "usage_usec")) {
      counts.cpu_time = std::chrono::microseconds(*us);
    }
    for (const char* const name : {"memory.oom_control", "memory.events"}) {
      if (read_keyed(folder / name, "oom_kill").value_or(0) > 0) counts.out_of_memory = true;
    }
  }
  return counts;
}

void Cgroups::remove_stale() const {
  for (const Hierarchy& hierarchy : hierarchies_) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(hierarchy.folder, ignored)) {
      if (!entry.is_directory(ignored)) continue;
      kill_members(entry.path());
      // The kernel takes a moment to let the killed go.
      for (int tries = 0; tries < 100; ++tries) {
        if (::rmdir(entry.path().c_str()) == 0 || errno == ENOENT) break;
        ::usleep(10'000);
      }
    }
  }
}

void Cgroups::remove_all() const {
  for (const Hierarchy& hierarchy : hierarchies_) ::rmdir(hierarchy.folder.c_str());
}

}  // namespace sandbox
