#include "sandbox/process_usage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace sandbox {
namespace {

constexpr std::size_t kProcessesMax = 4096;

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::uint64_t peak_bytes(pid_t pid) {
  const std::string status = read_text(fmt::format("/proc/{}/status", pid));
  const std::size_t at = status.find("VmHWM:");
  if (at == std::string::npos) return 0;
  return std::strtoull(status.c_str() + at + 6, nullptr, 10) * 1024;
}

std::chrono::nanoseconds cpu_time(pid_t pid) {
  const std::string stat = read_text(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = stat.rfind(')');  // a name may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skip;
  for (int field = 3; field < 14; ++field) fields >> skip;
  std::uint64_t user = 0, system = 0, ended_user = 0, ended_system = 0;
  fields >> user >> system >> ended_user >> ended_system;
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return std::chrono::nanoseconds((user + system + ended_user + ended_system) *
                                  (1'000'000'000ULL / ticks));
}

}  // namespace

Usage usage_of_tree(pid_t root) {
  Usage usage;
  std::vector<pid_t> pids{root};
  for (std::size_t i = 0; i < pids.size() && i < kProcessesMax; ++i) {
    usage.memory_peak_bytes += peak_bytes(pids[i]);
    usage.cpu_time += cpu_time(pids[i]);
    // A thread's children only; most processes fork from their first thread.
    std::istringstream children(read_text(fmt::format("/proc/{0}/task/{0}/children", pids[i])));
    for (pid_t child = 0; children >> child;) pids.push_back(child);
  }
  return usage;
}

}  // namespace sandbox
