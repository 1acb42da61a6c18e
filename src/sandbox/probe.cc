#include "sandbox/probe.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>

#include "sandbox/spawn.h"

namespace sandbox {
namespace {

constexpr auto kTrialTimeout = std::chrono::seconds(10);

// Above what distributions and container managers hand out.
constexpr std::uint32_t kHighUsers = 1'900'000'000;
constexpr std::uint32_t kUsersPerServer = 10'000;
constexpr std::uint32_t kServers = 9'000;
constexpr std::uint32_t kNobody = 65'534;

// Whether the ids of [first, first + count) exist in this process's user namespace.
bool ids_exist(const char* map, std::uint64_t first, std::uint64_t count) {
  std::ifstream lines(map);
  for (std::uint64_t inside = 0, outside = 0, size = 0; lines >> inside >> outside >> size;) {
    if (first >= inside && first + count <= inside + size) return true;
  }
  return false;
}

UserRange privileged_users(const std::string& id) {
  const auto server = static_cast<std::uint32_t>(std::hash<std::string>{}(id) % kServers);
  const auto exist = [](std::uint32_t first, std::uint32_t count) {
    return ids_exist("/proc/self/uid_map", first, count) &&
           ids_exist("/proc/self/gid_map", first, count);
  };
  const UserRange high{false, kHighUsers + server * kUsersPerServer, kUsersPerServer};
  if (exist(high.first, high.count)) return high;
  // A container with a narrow map of its own.
  const UserRange nobody{false, kNobody, 1};
  if (exist(nobody.first, nobody.count)) return nobody;
  return {.own = true};
}

void reap(pid_t pid) {
  if (pid <= 0) return;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Runs a sandbox up to the point where the function would start.
base::Status run_trial(const Fd& image, const init::Plan& plan) {
  ASSIGN_OR_RETURN(Spawned spawned, spawn_init(image, {}));
  base::Status result =
      base::error(base::ErrorCode::kInternal, "sandbox: the trial ended without a word");
  // Without it the init ends by itself, and the reason is in the result.
  const auto output = hand_over(spawned.control, plan, true);
  if (!output) result = std::unexpected(output.error());
  if (!output) spawned.control = Fd();
  pid_t inner = -1;
  const auto deadline = std::chrono::steady_clock::now() + kTrialTimeout;
  for (bool over = !output; !over;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd wait{spawned.control.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) == 0) {
      result = base::error(base::ErrorCode::kTimeout, "sandbox: the trial took too long");
      break;
    }
    const Received received = receive(spawned.control);
    if (received.hearing == Hearing::kEnd) over = true;
    if (received.hearing != Hearing::kMessage) continue;
    const init::Message& message = received.heard.message;
    if (message.kind == init::MessageKind::kPid) inner = message.value;
    if (message.kind == init::MessageKind::kStarted) result = {};
    if (message.kind == init::MessageKind::kFailed) {
      result = std::unexpected(failure_of(message));
    }
  }
  ::kill(spawned.outer, SIGKILL);
  if (inner > 0) ::kill(inner, SIGKILL);
  reap(spawned.outer);
  reap(inner);
  return result;
}

}  // namespace

Identity UserRange::at(std::size_t slot) const {
  if (own) return {::geteuid(), ::getegid()};
  const std::uint32_t id = first + static_cast<std::uint32_t>(slot % count);
  return {id, id};
}

Trial try_shapes(const Fd& image, const std::string& id, const std::string& seccomp) {
  Trial trial;
  trial.users = ::geteuid() == 0 ? privileged_users(id) : UserRange{.own = true};
  std::vector<Shape> shapes;
  for (const bool private_proc : {true, false}) {
    shapes.push_back({true, trial.users.own, private_proc});
    if (!trial.users.own) shapes.push_back({false, false, private_proc});
  }
  Spec spec;
  spec.limits.processes = 16;
  for (const Shape& shape : shapes) {
    init::Plan plan = make_plan(spec, shape, trial.users.at(0));
    plan.argv.clear();
    plan.seccomp = seccomp;
    const base::Status status = run_trial(image, plan);
    if (status) {
      trial.works = true;
      trial.shape = shape;
      return trial;
    }
    if (trial.obstacle.empty()) trial.obstacle = status.error().message;
  }
  return trial;
}

}  // namespace sandbox
