#include "server/compute.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/log.h"

namespace server {
namespace {

std::vector<async::AsioCore*> asio_cores(async::CorePool& pool) {
  std::vector<async::AsioCore*> cores;
  for (std::size_t i = 0; i < pool.size(); ++i) cores.push_back(&pool.core(i));
  return cores;
}
std::vector<async::Core*> cores_of(async::CorePool& pool) {
  std::vector<async::Core*> cores;
  for (std::size_t i = 0; i < pool.size(); ++i) cores.push_back(&pool.core(i));
  return cores;
}

// Every data folder's server has its own group of sandboxes.
sandbox::HostConfig host_config(const Settings& settings) {
  sandbox::HostConfig config;
  config.id = base::hex(base::sha256(settings.data_dir)).substr(0, 16);
  return config;
}

base::Result<std::unique_ptr<sandbox::HostLauncher>> make_launcher(const Settings& settings) {
  ASSIGN_OR_RETURN(auto launcher, sandbox::HostLauncher::create(host_config(settings)));
  const auto& missing = launcher->capabilities().missing;
  for (const std::string& layer : missing) base::log_warn("sandbox: {}", layer);
  if (!missing.empty() && !settings.allow_weak_sandbox)
    return base::error(base::ErrorCode::kPermission,
                       fmt::format("this host cannot isolate functions fully ({}). Run as root, or "
                                   "accept it with --allow-weak-sandbox",
                                   fmt::join(missing, " ")));
  return launcher;
}

}  // namespace

base::Result<std::unique_ptr<Compute>> Compute::open(ComputeParts parts) {
  ASSIGN_OR_RETURN(auto launcher, make_launcher(parts.settings));
  ASSIGN_OR_RETURN(
      auto endpoint,
      functions::make_endpoint(parts.port, parts.storage.secrets.authority->certificate_pem(),
                               parts.settings.data_dir + "/functions"));
  auto compute =
      std::unique_ptr<Compute>(new Compute(parts, std::move(launcher), std::move(endpoint)));
  RETURN_IF_ERROR(compute->load(parts.storage.control()));
  return compute;
}

Compute::Compute(ComputeParts& parts, std::unique_ptr<sandbox::HostLauncher> launcher,
                 functions::Endpoint endpoint)
    : catalogue(parts.storage.store(), parts.storage.control()),
      layers(parts.storage.store(), parts.storage.control()),
      code(parts.settings.data_dir + "/functions", parts.storage.files, parts.storage.blocking),
      credentials(parts.domains.identity, parts.storage.clock),
      packages(parts.caller),
      launcher_(std::move(launcher)),
      runtimes_({.runtimes_dir = parts.settings.runtimes_dir,
                 .node = {},
                 .python = {},
                 .java = {},
                 .java_classes_dir = parts.settings.data_dir + "/functions/java",
                 .pool = &parts.storage.blocking}),
      logs_(parts.caller, parts.domains.identity),
      plumbing_(asio_cores(parts.storage.cores()), parts.port, parts.server, parts.tls,
                parts.storage.clock),
      figures_(parts.domains.recorder, parts.storage.clock),
      destinations_(parts.caller, parts.domains.identity, parts.storage.clock,
                    parts.storage.random),
      invoker({.catalogue = catalogue,
               .code = code,
               .runtimes = runtimes_,
               .credentials = credentials,
               .logs = logs_,
               .launcher = *launcher_,
               .plumbing = plumbing_,
               .clock = parts.storage.clock,
               .random = parts.storage.random,
               .observer = &figures_},
              std::move(endpoint), cores_of(parts.storage.cores())),
      events({.store = parts.storage.store(),
              .control = parts.storage.control(),
              .catalogue = catalogue,
              .invoker = invoker,
              .destinations = destinations_,
              .clock = parts.storage.clock,
              .random = parts.storage.random}),
      mapped_(catalogue, invoker, figures_),
      failed_batches_(
          parts.caller, parts.domains.identity,
          [this](const std::string& arn) { return mapped_.role_arn(arn); }, parts.storage.clock,
          parts.storage.random),
      stream_sources_(parts.domains.streams, parts.domains.identity, parts.authorizer,
                      [this](const std::string& arn) { return mapped_.role_arn(arn); }),
      change_sources_(parts.domains.changes, parts.domains.tables.catalogue(),
                      parts.domains.identity, parts.authorizer,
                      [this](const std::string& arn) { return mapped_.role_arn(arn); }),
      sources(stream_sources_, change_sources_),
      mappings(parts.storage.store(), parts.storage.control(), sources, mapped_, failed_batches_,
               parts.storage.clock, parts.storage.random) {
  catalogue.set_listener([this](const functions::FunctionKey& key) { invoker.refresh(key); });
}

base::Status Compute::load(async::Core& control) {
  RETURN_IF_ERROR(code.open());
  RETURN_IF_ERROR(async::wait_for(control, catalogue.open()));
  RETURN_IF_ERROR(async::wait_for(control, layers.open()));
  // Packages of functions and layers that are gone, or were never finished before a crash.
  async::wait_for(control, code.collect([this] {
    std::set<std::string> used = catalogue.packages();
    used.merge(layers.packages());
    return used;
  }));
  RETURN_IF_ERROR(async::wait_for(control, events.open()));
  RETURN_IF_ERROR(async::wait_for(control, mappings.open()));
  return {};
}

void Compute::start() {
  invoker.start();
  events.start();
  mappings.start();
}

// Whoever calls functions stops before what runs them. Calls under way are ended by the invoker, so
// the mappings' workers do not wait for slow functions.
void Compute::stop(async::Core& control) {
  async::wait_for(control, invoker.stop());
  async::wait_for(control, mappings.stop());
  async::wait_for(control, events.stop());
  async::wait_for(control, plumbing_.stop());
}

}  // namespace server
