#include "functions/invoker.h"

#include <algorithm>
#include <atomic>

#include "api/lambda/errors.h"
#include "async/gate.h"
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
    bool stopping = false;
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
    std::size_t busy = 0;  // of the function's other instances
  };
  api::Outcome<Choice> choose(Lane& lane, const FunctionPtr& function, const Version& version);
  void report(const Invocation& invocation, const api::Outcome<InvocationResult>& result) const;
  InstancePtr launch(Lane& lane, const FunctionPtr& function, const Version& version);
  async::Task<void> live(Lane& lane, InstancePtr instance);
  bool make_room(Lane& lane);
  void retire_here(Lane& lane, const FunctionKey& key);
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
    impl_->lanes.push_back(std::unique_ptr<Impl::Lane>(
        new Impl::Lane{.core = *core, .instances = {}, .stopping = false, .gate = {}}));
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
    if (deps.observer != nullptr && !std::exchange(told, true))
      deps.observer->started(report_of(invocation), choice->busy + 1);
    Job job{.request_id = request_id,
            .payload = payload,
            .client_context = invocation.client_context,
            .invoked_arn = arn,
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
  for (const InstancePtr& instance : own) {
    if (instance->state() == Instance::State::kEnded) continue;
    if (instance->has_job()) ++busy;
    if (!instance->serves(version.deployment_id)) continue;
    const bool better =
        found == nullptr ||
        (found->state() != Instance::State::kIdle && instance->state() == Instance::State::kIdle) ||
        (found->state() == instance->state() && instance->idle_since() > found->idle_since());
    if (better) found = instance;
  }
  const std::size_t allowed = function->reserved_concurrency
                                  ? static_cast<std::size_t>(*function->reserved_concurrency)
                                  : limits.function_instances_max;
  if (busy >= allowed) return std::unexpected(throttled());
  if (found != nullptr) return Choice{found, busy};
  if (lane.stopping) return std::unexpected(api::lambda::service("The server is stopping."));
  if (count.load() >= limits.instances_max && !make_room(lane)) return std::unexpected(throttled());
  return Choice{launch(lane, function, version), busy};
}

InstancePtr Invoker::Impl::launch(Lane& lane, const FunctionPtr& function, const Version& version) {
  const Instance::Setting setting{
      .deps = deps, .endpoint = endpoint, .limits = limits, .core = lane.core};
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
    if (at->second.empty()) lane.instances.erase(at);
    break;
  }
}

// Ends the instance of this core that has been idle for longest.
bool Invoker::Impl::make_room(Lane& lane) {
  InstancePtr oldest;
  for (const auto& [key, own] : lane.instances)
    for (const InstancePtr& instance : own) {
      if (instance->state() != Instance::State::kIdle || instance->has_job()) continue;
      if (oldest == nullptr || instance->idle_since() < oldest->idle_since()) oldest = instance;
    }
  if (oldest == nullptr) return false;
  oldest->end();
  return true;
}

void Invoker::retire(const FunctionKey& key) {
  Impl::Lane& lane = impl_->lane_of(key);
  lane.core.post([impl = impl_.get(), &lane, key] { impl->retire_here(lane, key); });
}

void Invoker::Impl::retire_here(Lane& lane, const FunctionKey& key) {
  const auto own = lane.instances.find(key);
  if (own == lane.instances.end()) return;
  const FunctionPtr function = deps.catalogue.find(key);
  const auto is_current = [&](const std::string& deployment) {
    return function != nullptr &&
           (function->latest.deployment_id == deployment ||
            std::ranges::find(function->versions, deployment, &Version::deployment_id) !=
                function->versions.end());
  };
  for (const InstancePtr& instance : own->second)
    if (!is_current(instance->version().deployment_id)) instance->retire();
}

async::Task<void> Invoker::stop() {
  for (const auto& lane : impl_->lanes) co_await async::run_on(lane->core, impl_->stop_lane(*lane));
}

async::Task<void> Invoker::Impl::stop_lane(Lane& lane) {
  lane.stopping = true;
  for (const auto& [key, own] : lane.instances)
    for (const InstancePtr& instance : own) instance->end();
  co_await lane.gate.close();
}

}  // namespace functions
