#include "functions/invoker.h"

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <tuple>

#include "api/lambda/errors.h"
#include "async/gate.h"
#include "async/timer.h"
#include "functions/instance.h"

namespace functions {
namespace {

using InstancePtr = std::shared_ptr<Instance>;
constexpr int kTries = 4;  // instances that may end under an invocation's nose

api::Error throttled() { return api::lambda::too_many_requests("Rate Exceeded."); }

InvocationReport report_of(const Invocation& invocation) {
  return {.account_id = invocation.key.account_id,
          .region = invocation.key.region,
          .function = invocation.key.name,
          .qualifier = invocation.qualifier};
}

// Nobody waits for a function that was never asked.
struct FunctionEnd {
  explicit FunctionEnd(ResponsePipePtr its) : pipe(std::move(its)) {}
  FunctionEnd(FunctionEnd&&) = default;
  FunctionEnd& operator=(FunctionEnd&&) = delete;
  ~FunctionEnd() {
    if (pipe != nullptr)
      pipe->finish(std::unexpected(api::lambda::service("The server is stopping.")));
  }
  ResponsePipePtr pipe;
};

}  // namespace

struct Invoker::Impl {
  // What one core runs; touched only there.
  struct Lane {
    async::Core& core;
    std::map<FunctionKey, std::vector<InstancePtr>> instances;
    // Why provisioned instances of a deployment fail; they are not made until that is forgotten.
    std::map<FunctionKey, std::map<std::string, std::string>> failures;
    bool stopping = false;
    std::stop_source stop;
    async::Gate gate;
  };

  Deps deps;
  Endpoint endpoint;
  InvokerLimits limits;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::atomic<std::size_t> count = 0;

  Lane& lane_of(const FunctionKey& key) {
    return *lanes[std::hash<std::string>{}(key.arn()) % lanes.size()];
  }

  async::Task<api::Outcome<InvocationResult>> invoke_here(Lane& lane, Invocation invocation,
                                                          ResponsePipePtr pipe);
  async::Task<void> stream_here(Lane& lane, Invocation invocation, FunctionEnd end);
  struct Choice {
    InstancePtr instance;
    std::size_t busy = 0;         // of the function's other instances
    std::size_t provisioned = 0;  // of these, those that were made beforehand
  };
  api::Outcome<Choice> choose(Lane& lane, const FunctionPtr& function, const Version& version);
  void report(const Invocation& invocation, const api::Outcome<InvocationResult>& result) const;
  void report_choice(const Function& function, const Invocation& invocation,
                     const Choice& choice) const;
  InstancePtr launch(Lane& lane, const FunctionPtr& function, const Version& version,
                     bool provisioned);
  async::Task<void> live(Lane& lane, InstancePtr instance);
  bool make_room(Lane& lane);
  void refresh_here(Lane& lane, const FunctionKey& key);
  void provide(Lane& lane, const FunctionKey& key);
  void provide_more(Lane& lane, const FunctionPtr& function, const Version& version,
                    std::size_t missing);
  void lost(Lane& lane, const FunctionKey& key, const Instance& instance);
  async::Task<void> provide_again(Lane& lane, FunctionKey key, std::string deployment_id);
  async::Task<ProvisionedState> provisioned_here(Lane& lane, FunctionKey key,
                                                 std::string qualifier);
  async::Task<void> stop_lane(Lane& lane);
};

Invoker::Invoker(Deps deps, Endpoint endpoint, std::vector<async::Core*> cores,
                 InvokerLimits limits)
    : impl_(new Impl{.deps = deps,
                     .endpoint = std::move(endpoint),
                     .limits = limits,
                     .lanes = {},
                     .count = 0}) {
  CHECK(!cores.empty());
  for (async::Core* const core : cores)
    impl_->lanes.push_back(std::unique_ptr<Impl::Lane>(new Impl::Lane{.core = *core,
                                                                      .instances = {},
                                                                      .failures = {},
                                                                      .stopping = false,
                                                                      .stop = {},
                                                                      .gate = {}}));
}

Invoker::~Invoker() = default;

std::size_t Invoker::instances() const { return impl_->count.load(); }

async::Task<api::Outcome<InvocationResult>> Invoker::invoke(Invocation invocation) {
  Impl::Lane& lane = impl_->lane_of(invocation.key);
  return async::run_on(lane.core, impl_->invoke_here(lane, std::move(invocation), nullptr));
}

ResponseReader Invoker::invoke_streaming(Invocation invocation) {
  Impl::Lane& lane = impl_->lane_of(invocation.key);
  auto pipe = std::make_shared<ResponsePipe>();
  async::spawn(lane.core, lane.gate,
               impl_->stream_here(lane, std::move(invocation), FunctionEnd(pipe)));
  return ResponseReader(std::move(pipe));
}

async::Task<void> Invoker::Impl::stream_here(Lane& lane, Invocation invocation, FunctionEnd end) {
  auto outcome = co_await invoke_here(lane, std::move(invocation), end.pipe);
  end.pipe->finish(std::move(outcome));
}

async::Task<api::Outcome<InvocationResult>> Invoker::Impl::invoke_here(Lane& lane,
                                                                       Invocation invocation,
                                                                       ResponsePipePtr pipe) {
  const auto pass = lane.gate.enter();
  if (!pass) co_return std::unexpected(api::lambda::service("The server is stopping."));
  if (invocation.payload.size() > kPayloadBytesMax)
    co_return std::unexpected(api::lambda::request_too_large(
        "Request must be smaller than " + std::to_string(kPayloadBytesMax) +
        " bytes for the InvokeFunction operation"));
  const std::string arn =
      invocation.key.arn() + (invocation.qualifier.empty() ? "" : ":" + invocation.qualifier);
  const std::string request_id =
      invocation.request_id.empty() ? base::uuid(deps.random) : invocation.request_id;
  const std::string payload = invocation.payload.empty() ? "{}" : invocation.payload;
  bool told = false;
  for (int i = 0; i < kTries; ++i) {
    const FunctionPtr function = deps.catalogue.find(invocation.key);
    const double draw = static_cast<double>(deps.random.below(1U << 20U)) / (1U << 20U);
    const Version* const version =
        function == nullptr ? nullptr : function->resolve(invocation.qualifier, draw);
    if (version == nullptr) co_return std::unexpected(function_not_found(arn));
    const auto choice = choose(lane, function, *version);
    if (!choice) {
      report(invocation, std::unexpected(choice.error()));
      co_return std::unexpected(choice.error());
    }
    if (!std::exchange(told, true)) report_choice(*function, invocation, *choice);
    Job job{.request_id = request_id,
            .payload = payload,
            .client_context = invocation.client_context,
            .invoked_arn = arn,
            .qualifier = invocation.qualifier,
            .wants_log_tail = invocation.wants_log_tail,
            .pipe = pipe,
            .delivered = false,
            .delivered_at = {},
            .deadline = {},
            .log_tail = {},
            .result = std::nullopt};
    const InstancePtr chosen = choice->instance;
    auto result = co_await chosen->invoke(job);
    if (!result) continue;
    report(invocation, *result);
    co_return *std::move(result);
  }
  co_return std::unexpected(
      api::lambda::service("The function's environments end before they take an event."));
}

void Invoker::Impl::report_choice(const Function& function, const Invocation& invocation,
                                  const Choice& choice) const {
  if (deps.observer == nullptr) return;
  deps.observer->started(report_of(invocation), choice.busy + 1);
  const auto kept = function.provisioned.find(invocation.qualifier);
  if (kept == function.provisioned.end()) return;
  const bool found_one = choice.instance->provisioned();
  deps.observer->provisioned(report_of(invocation), found_one,
                             choice.provisioned + (found_one ? 1 : 0),
                             static_cast<std::size_t>(kept->second.wanted));
}

void Invoker::Impl::report(const Invocation& invocation,
                           const api::Outcome<InvocationResult>& result) const {
  if (deps.observer == nullptr) return;
  if (result)
    deps.observer->ended(report_of(invocation), result->duration, !result->function_error.empty());
  else if (result.error().code == throttled().code) deps.observer->throttled(report_of(invocation));
}

// A warm instance, else one that will be warm at once, else a new one.
api::Outcome<Invoker::Impl::Choice> Invoker::Impl::choose(Lane& lane, const FunctionPtr& function,
                                                          const Version& version) {
  auto& own = lane.instances[function->key];
  InstancePtr found;
  std::size_t busy = 0;
  std::size_t provisioned = 0;
  for (const InstancePtr& instance : own) {
    if (instance->state() == Instance::State::kEnded) continue;
    if (instance->has_job()) ++busy;
    if (instance->has_job() && instance->provisioned() && instance->is_of(version)) ++provisioned;
    if (!instance->serves(version)) continue;
    const auto rank = [](const Instance& one) {
      return std::tuple(one.state() == Instance::State::kIdle, one.provisioned(), one.idle_since());
    };
    if (found == nullptr || rank(*instance) > rank(*found)) found = instance;
  }
  const std::size_t allowed = function->reserved_concurrency
                                  ? static_cast<std::size_t>(*function->reserved_concurrency)
                                  : limits.function_instances_max;
  if (busy >= allowed) return std::unexpected(throttled());
  if (found != nullptr) return Choice{found, busy, provisioned};
  if (lane.stopping) return std::unexpected(api::lambda::service("The server is stopping."));
  if (count.load() >= limits.instances_max && !make_room(lane)) return std::unexpected(throttled());
  return Choice{launch(lane, function, version, false), busy, provisioned};
}

InstancePtr Invoker::Impl::launch(Lane& lane, const FunctionPtr& function, const Version& version,
                                  bool provisioned) {
  const Instance::Setting setting{.deps = deps,
                                  .endpoint = endpoint,
                                  .limits = limits,
                                  .core = lane.core,
                                  .provisioned = provisioned};
  auto instance = std::make_shared<Instance>(setting, function, version);
  lane.instances[function->key].push_back(instance);
  count.fetch_add(1);
  async::spawn(lane.core, lane.gate, live(lane, instance));
  return instance;
}

async::Task<void> Invoker::Impl::live(Lane& lane, InstancePtr instance) {
  co_await instance->run();
  count.fetch_sub(1);
  for (auto at = lane.instances.begin(); at != lane.instances.end(); ++at) {
    if (std::erase(at->second, instance) == 0) continue;
    const FunctionKey key = at->first;
    if (at->second.empty()) lane.instances.erase(at);
    if (instance->provisioned()) lost(lane, key, *instance);
    break;
  }
}

// Ends the instance of this core that has been idle for longest.
bool Invoker::Impl::make_room(Lane& lane) {
  InstancePtr oldest;
  for (const auto& [key, own] : lane.instances)
    for (const InstancePtr& instance : own) {
      if (instance->state() != Instance::State::kIdle || instance->has_job()) continue;
      if (instance->provisioned()) continue;
      if (oldest == nullptr || instance->idle_since() < oldest->idle_since()) oldest = instance;
    }
  if (oldest == nullptr) return false;
  oldest->end();
  return true;
}

void Invoker::refresh(const FunctionKey& key) {
  Impl::Lane& lane = impl_->lane_of(key);
  lane.core.post([impl = impl_.get(), &lane, key] { impl->refresh_here(lane, key); });
}

void Invoker::start() {
  for (const FunctionKey& key : impl_->deps.catalogue.provisioned()) refresh(key);
}

void Invoker::Impl::refresh_here(Lane& lane, const FunctionKey& key) {
  lane.failures.erase(key);
  const auto own = lane.instances.find(key);
  const FunctionPtr function = deps.catalogue.find(key);
  const auto is_current = [&](const Instance& instance) {
    return function != nullptr && (instance.is_of(function->latest) ||
                                   std::ranges::any_of(function->versions, [&](const Version& one) {
                                     return instance.is_of(one);
                                   }));
  };
  if (own != lane.instances.end())
    for (const InstancePtr& instance : own->second)
      if (!is_current(*instance)) instance->retire();
  provide(lane, key);
}

async::Task<void> Invoker::stop() {
  for (const auto& lane : impl_->lanes) co_await async::run_on(lane->core, impl_->stop_lane(*lane));
}

async::Task<void> Invoker::Impl::stop_lane(Lane& lane) {
  lane.stopping = true;
  lane.stop.request_stop();
  for (const auto& [key, own] : lane.instances)
    for (const InstancePtr& instance : own) instance->end();
  co_await lane.gate.close();
}

// --- provisioned concurrency ------------------------------------------------------------------

// As many provisioned instances of each version as its qualifiers ask for, and no others.
void Invoker::Impl::provide(Lane& lane, const FunctionKey& key) {
  if (lane.stopping) return;
  const FunctionPtr function = deps.catalogue.find(key);
  std::map<const Version*, std::size_t> missing;
  if (function != nullptr)
    for (const auto& [qualifier, kept] : function->provisioned)
      if (const Version* const version = function->resolve(qualifier); version != nullptr)
        missing[version] += static_cast<std::size_t>(kept.wanted);
  if (const auto own = lane.instances.find(key); own != lane.instances.end())
    for (const InstancePtr& instance : own->second) {
      if (!instance->provisioned() || instance->retired()) continue;
      if (instance->state() == Instance::State::kEnded) continue;
      const auto of = std::ranges::find_if(
          missing, [&](const auto& one) { return one.second > 0 && instance->is_of(*one.first); });
      if (of == missing.end()) instance->retire();
      else --of->second;
    }
  for (const auto& [version, more] : missing) provide_more(lane, function, *version, more);
}

void Invoker::Impl::provide_more(Lane& lane, const FunctionPtr& function, const Version& version,
                                 std::size_t missing) {
  const auto failed = lane.failures.find(function->key);
  if (failed != lane.failures.end() && failed->second.contains(version.deployment_id)) return;
  for (; missing > 0; --missing) {
    if (count.load() >= limits.instances_max && !make_room(lane)) {
      lane.failures[function->key][version.deployment_id] =
          "The server runs as many environments as it may.";
      async::spawn(lane.core, lane.gate, provide_again(lane, function->key, version.deployment_id));
      return;
    }
    launch(lane, function, version, true);
  }
}

// Replaced at once, unless it failed soon after it was made: then after a while.
void Invoker::Impl::lost(Lane& lane, const FunctionKey& key, const Instance& instance) {
  if (lane.stopping) return;
  const bool soon = lane.core.now() - instance.started_at() < limits.provision_again_after;
  if (instance.retired() || (instance.was_ready() && !soon)) return provide(lane, key);
  const std::string& deployment = instance.version().deployment_id;
  const auto [at, fresh] = lane.failures[key].emplace(
      deployment, instance.was_ready() ? "" : "FUNCTION_ERROR_INIT_FAILURE");
  if (fresh) async::spawn(lane.core, lane.gate, provide_again(lane, key, deployment));
}

async::Task<void> Invoker::Impl::provide_again(Lane& lane, FunctionKey key,
                                               std::string deployment_id) {
  const bool slept = co_await async::sleep_for(limits.provision_again_after, lane.stop.get_token());
  if (!slept) co_return;
  if (const auto failed = lane.failures.find(key); failed != lane.failures.end())
    failed->second.erase(deployment_id);
  provide(lane, key);
}

async::Task<ProvisionedState> Invoker::provisioned(FunctionKey key, std::string qualifier) {
  Impl::Lane& lane = impl_->lane_of(key);
  return async::run_on(lane.core,
                       impl_->provisioned_here(lane, std::move(key), std::move(qualifier)));
}

async::Task<ProvisionedState> Invoker::Impl::provisioned_here(Lane& lane, FunctionKey key,
                                                              std::string qualifier) {
  ProvisionedState state;
  const FunctionPtr function = deps.catalogue.find(key);
  const Version* const version = function == nullptr ? nullptr : function->resolve(qualifier);
  if (version == nullptr) co_return state;
  if (const auto own = lane.instances.find(key); own != lane.instances.end())
    for (const InstancePtr& instance : own->second)
      if (instance->provisioned() && !instance->retired() && instance->is_of(*version) &&
          instance->was_ready() && instance->state() != Instance::State::kEnded)
        ++state.ready;
  if (const auto failed = lane.failures.find(key); failed != lane.failures.end())
    if (const auto why = failed->second.find(version->deployment_id); why != failed->second.end())
      state.failure = why->second;
  co_return state;
}

}  // namespace functions
