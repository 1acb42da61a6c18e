#include "sandbox/host_launcher.h"

#include <algorithm>
#include <utility>

#include "sandbox/init_image.h"
#include "sandbox/planning.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/watcher.h"

namespace sandbox {
namespace {

constexpr std::size_t kIdMax = 64;

base::Status check_id(const std::string& id) {
  const bool plain = std::ranges::all_of(
      id, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; });
  if (plain && !id.empty() && id.size() <= kIdMax && id[0] != '.') return {};
  return base::error(base::ErrorCode::kInvalidArgument, "sandbox: not a plain id: " + id);
}

struct Survey {
  Capabilities capabilities;
  Watcher::Host host;
};

void say_what_is_missing(Capabilities& found, const Trial& trial) {
  const auto say = [&found](std::string text) { found.missing.push_back(std::move(text)); };
  if (!found.namespaces) {
    say("The host refuses namespaces (" + trial.obstacle + "): no function can be started.");
    return;
  }
  if (!found.user_namespaces) {
    say("The host refuses user namespaces (" + trial.obstacle +
        "): functions run as host users of their own, without the second wall against root.");
  }
  if (!found.private_proc) {
    say("The host refuses a private /proc (" + trial.obstacle +
        "): functions have none; some runtimes do without, some do not.");
  }
  if (!found.seccomp) {
    say("The kernel does not filter system calls: all of them are open to functions, which only "
        "the lack of rights confines.");
  }
  if (!found.memory_limit) {
    say("No memory cgroup can be made: memory is measured every 20 ms instead, and a function "
        "may exceed its limit in between.");
  }
  if (!found.process_limit) {
    say("No pids cgroup can be made: a resource limit bounds the number of processes instead.");
  }
  if (!found.cpu_limit) {
    say("No cpu cgroup can be made: functions compete for the processors without a quota.");
  }
}

base::Result<Survey> survey(const HostConfig& config) {
  RETURN_IF_ERROR(check_id(config.id));
  Survey result;
  Capabilities& found = result.capabilities;
  Watcher::Host& host = result.host;
  host.config = config;
  ASSIGN_OR_RETURN(host.image, make_init_image());
  found.seccomp = seccomp_supported();
  if (found.seccomp) {
    ASSIGN_OR_RETURN(host.seccomp, make_seccomp_filter());
  }
  host.trial = try_shapes(host.image, config.id, host.seccomp);
  found.namespaces = host.trial.works;
  found.user_namespaces = host.trial.works && host.trial.shape.user_namespace;
  found.private_proc = host.trial.works && host.trial.shape.private_proc;
  if (config.use_cgroups) host.cgroups = Cgroups::open(config.id, {});
  found.cgroup = host.cgroups.version();
  found.memory_limit = host.cgroups.has_memory();
  found.process_limit = host.cgroups.has_pids();
  found.cpu_limit = host.cgroups.has_cpu();
  say_what_is_missing(found, host.trial);
  return result;
}

}  // namespace

struct HostLauncher::Impl {
  Capabilities capabilities;
  std::unique_ptr<Watcher> watcher;
};

HostLauncher::HostLauncher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HostLauncher::~HostLauncher() = default;

Capabilities HostLauncher::probe(const HostConfig& config) {
  auto result = survey(config);
  if (!result) {
    Capabilities nothing;
    nothing.missing.push_back(result.error().message);
    return nothing;
  }
  result->host.cgroups.remove_all();
  return std::move(result->capabilities);
}

base::Result<std::unique_ptr<HostLauncher>> HostLauncher::create(HostConfig config) {
  ASSIGN_OR_RETURN(Survey result, survey(config));
  if (!result.capabilities.usable()) {
    result.host.cgroups.remove_all();
    return base::error(base::ErrorCode::kPermission, result.capabilities.missing.front());
  }
  result.host.cgroups.remove_stale();
  auto impl = std::make_unique<Impl>();
  impl->capabilities = std::move(result.capabilities);
  ASSIGN_OR_RETURN(impl->watcher, Watcher::create(std::move(result.host)));
  return std::unique_ptr<HostLauncher>(new HostLauncher(std::move(impl)));
}

const Capabilities& HostLauncher::capabilities() const { return impl_->capabilities; }

async::Task<base::Result<std::unique_ptr<Process>>> HostLauncher::start(Spec spec) {
  CO_RETURN_IF_ERROR(check_spec(spec));
  Watcher::Started done;
  impl_->watcher->start(std::move(spec), done);
  auto started = co_await done;
  if (!started) co_return std::unexpected(std::move(started).error());
  co_return make_process(*std::move(started));
}

}  // namespace sandbox
