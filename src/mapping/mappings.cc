#include "mapping/mappings.h"

#include "async/timer.h"
#include "base/log.h"
#include "mapping/running.h"
#include "store/for_each.h"

namespace mapping {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPrefix = "mapping/config/";
constexpr auto kLookForShards = 30s;
constexpr auto kRetryOpen = 2s;

std::string config_key(const std::string& id) { return std::string(kPrefix) + id; }

auto no_mapping(const std::string& id) {
  return base::error(base::ErrorCode::kNotFound, "no event source mapping " + id);
}

}  // namespace

Mappings::Mappings(store::Store& store, async::Core& control, SourceOpener& sources,
                   Invoker& invoker, FailureSink& failures, const base::Clock& clock,
                   base::Random& random)
    : store_(store),
      control_(control),
      sources_(sources),
      invoker_(invoker),
      failures_(failures),
      clock_(clock),
      random_(random) {}
Mappings::~Mappings() = default;

async::Task<base::Status> Mappings::open() {
  return store::for_each_decoded(store_, std::string(kPrefix), decode_config,
                                 [this](Config config) {
                                   auto running = std::make_unique<Running>();
                                   running->config = std::move(config);
                                   const std::string id = running->config.id;
                                   running_.emplace(id, std::move(running));
                                 });
}

void Mappings::start() {
  started_ = true;
  for (auto& [id, running] : running_)
    if (running->config.enabled) launch(*running);
}

async::Task<void> Mappings::stop() {
  co_await async::on(control_);
  const auto lock = co_await changing_.lock();
  started_ = false;
  for (auto& [id, running] : running_) running->stop.request_stop();
  for (auto& [id, running] : running_) co_await halt(*running);
}

void Mappings::launch(Running& running) {
  if (!started_) return;
  running.stop = std::stop_source();
  running.gate = std::make_unique<async::Gate>();
  running.active.clear();
  running.done.clear();
  async::spawn(control_, *running.gate, drive(running));
}

async::Task<void> Mappings::halt(Running& running) {
  if (!running.gate) co_return;
  running.stop.request_stop();
  co_await running.gate->close();
  running.gate.reset();
  running.source.reset();
}

// Opens the source, then keeps a worker on every shard whose parents are done.
async::Task<void> Mappings::drive(Running& running) {
  const std::stop_token stop = running.stop.get_token();
  while (!stop.stop_requested()) {
    if (!running.source) {
      auto source = sources_.open(running.config.event_source_arn, running.config.function_arn);
      if (source) running.source = *std::move(source);
      else running.progress.last_result = "PROBLEM: " + source.error().message;
    }
    bool started = false;
    if (running.source) started = co_await start_shards(running);
    if (!started) {
      co_await async::sleep_for(kRetryOpen, stop);
      continue;
    }
    co_await running.source->wait_for_shards(async::Core::current()->now() + kLookForShards, stop);
  }
}

async::Task<bool> Mappings::start_shards(Running& running) {
  const auto shards = co_await running.source->shards();
  if (!shards) {
    running.progress.last_result = "PROBLEM: " + shards.error().message;
    co_return false;
  }
  std::set<std::string> known;
  for (const SourceShard& shard : *shards) known.insert(shard.id);
  for (const SourceShard& shard : *shards) {
    if (running.active.contains(shard.id) || running.done.contains(shard.id)) continue;
    const auto checkpoint = co_await store_.get(checkpoint_key(running.config.id, shard.id));
    // Another worker that ended may have come here while we waited.
    if (running.active.contains(shard.id) || running.done.contains(shard.id)) continue;
    if (checkpoint && checkpoint->has_value() && **checkpoint == kDone) {
      running.done.insert(shard.id);
      continue;
    }
    bool parents_done = true;
    for (const std::string& parent : shard.parents)
      parents_done = parents_done && (!known.contains(parent) || running.done.contains(parent));
    if (!parents_done) continue;
    running.active.insert(shard.id);
    async::spawn(control_, *running.gate, work(running, shard.id));
  }
  co_return true;
}

async::Task<void> Mappings::work(Running& running, std::string shard) {
  ShardWorker worker(running.config, shard, *running.source,
                     {.store = store_,
                      .invoker = invoker_,
                      .failures = failures_,
                      .clock = clock_,
                      .random = random_},
                     running.progress);
  running.live[shard] = &worker.state();
  const bool finished = co_await worker.run(running.stop.get_token());
  running.live.erase(shard);
  if (!finished) co_return;
  store::Batch batch;
  batch.put(checkpoint_key(running.config.id, shard), std::string(kDone));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) base::log_error("mapping {}: {}", running.config.id, saved.error().to_string());
  running.active.erase(shard);
  running.done.insert(shard);
  // Its children may start now.
  co_await start_shards(running);
}

Status Mappings::status_of(const Running& running) const {
  return {.config = running.config,
          .state = running.config.enabled ? State::kEnabled : State::kDisabled,
          .progress = running.progress};
}

async::Task<base::Result<Status>> Mappings::create(Config config) {
  return async::run_on(control_, create_here(std::move(config)));
}

async::Task<base::Result<Status>> Mappings::create_here(Config config) {
  const auto lock = co_await changing_.lock();
  store::Batch batch;
  batch.put(config_key(config.id), encode(config));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  auto running = std::make_unique<Running>();
  running->config = std::move(config);
  Running& made = *running;
  running_.emplace(made.config.id, std::move(running));
  if (made.config.enabled) launch(made);
  co_return status_of(made);
}

async::Task<base::Result<Status>> Mappings::update(std::string id,
                                                   std::function<base::Status(Config&)> change) {
  return async::run_on(control_, update_here(std::move(id), std::move(change)));
}

async::Task<base::Result<Status>> Mappings::update_here(
    std::string id, std::function<base::Status(Config&)> change) {
  const auto lock = co_await changing_.lock();
  const auto found = running_.find(id);
  if (found == running_.end()) co_return no_mapping(id);
  Running& running = *found->second;
  Config config = running.config;
  const base::Status accepted = change(config);
  if (!accepted) co_return std::unexpected(accepted.error());
  config.modified = clock_.now();
  store::Batch batch;
  batch.put(config_key(id), encode(config));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  co_await halt(running);
  running.config = std::move(config);
  if (running.config.enabled) launch(running);
  co_return status_of(running);
}

async::Task<base::Result<Status>> Mappings::remove(std::string id) {
  return async::run_on(control_, remove_here(std::move(id)));
}

async::Task<base::Result<Status>> Mappings::remove_here(std::string id) {
  const auto lock = co_await changing_.lock();
  const auto found = running_.find(id);
  if (found == running_.end()) co_return no_mapping(id);
  co_await halt(*found->second);
  store::Batch batch;
  batch.erase(config_key(id));
  batch.erase_range(checkpoint_prefix(id), store::prefix_end(checkpoint_prefix(id)));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) co_return std::unexpected(saved.error());
  Status last = status_of(*found->second);
  last.state = State::kDeleting;
  running_.erase(found);
  co_return last;
}

async::Task<base::Result<Status>> Mappings::get(std::string id) {
  return async::run_on(control_, get_here(std::move(id)));
}

async::Task<base::Result<Status>> Mappings::get_here(std::string id) {
  const auto found = running_.find(id);
  if (found == running_.end()) co_return no_mapping(id);
  co_return status_of(*found->second);
}

async::Task<std::vector<Status>> Mappings::list() { return async::run_on(control_, list_here()); }

async::Task<std::vector<Status>> Mappings::list_here() {
  std::vector<Status> all;
  for (const auto& [id, running] : running_) all.push_back(status_of(*running));
  co_return all;
}

}  // namespace mapping
