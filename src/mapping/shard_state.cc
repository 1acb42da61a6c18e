#include "mapping/shard_state.h"

#include <algorithm>

#include "async/timer.h"
#include "base/log.h"

namespace mapping {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBytesMax = kPayloadBytesMax;
constexpr std::uint64_t kUnsavedMax = 256;  // records that are looked at again after a crash
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 30s;

}  // namespace

std::string checkpoint_prefix(const std::string& mapping_id) {
  return "mapping/checkpoint/" + mapping_id + "/";
}
std::string checkpoint_key(const std::string& mapping_id, const std::string& shard) {
  return checkpoint_prefix(mapping_id) + shard;
}

ShardState::ShardState(const Config& settings, std::string shard_id, RecordSource& records_from,
                       WorkerDeps plugs, Progress& counts)
    : config(settings),
      shard(std::move(shard_id)),
      source(records_from),
      deps(plugs),
      progress(counts) {
  // Settings are compiled before they are taken, so these compile.
  auto compiled = Filter::compile(config.filters);
  if (compiled) filter = *std::move(compiled);
  else base::log_error("mapping {}: filter: {}", config.id, compiled.error().message);
}

std::string ShardState::key() const { return checkpoint_key(config.id, shard); }

void ShardState::count(const EventCounts& events) const {
  if (!config.counts_events) return;
  deps.invoker.counted({config.account_id, config.region, config.id}, events);
}

EventFrame ShardState::frame() const {
  return {.region = config.region,
          .event_source_arn = config.event_source_arn,
          .role_arn = deps.invoker.role_arn(config.function_arn),
          .shard_id = shard};
}

base::Timestamp ShardState::window_of(base::Timestamp arrival) const {
  const std::int64_t length = std::int64_t{config.tumbling_seconds} * 1000;
  return base::from_epoch_ms(base::to_epoch_ms(arrival) / length * length);
}
base::Timestamp ShardState::window_end(base::Timestamp start) const {
  return start + std::chrono::seconds(config.tumbling_seconds);
}

// The checkpoint, or where the mapping is to start; that is written down at once, so that LATEST
// means the same after a restart.
async::Task<bool> ShardState::load(std::stop_token stop) {
  for (int failures = 0;; ++failures) {
    const auto kept = co_await deps.store.get(key());
    if (kept && kept->has_value()) {
      auto decoded = decode_checkpoint(**kept);
      if (decoded) {
        checkpoint = *std::move(decoded);
        checkpoint.set_lanes(static_cast<std::size_t>(config.parallel));
        if (config.tumbling_seconds == 0) checkpoint.window.reset();
        co_return true;
      }
      progress.last_result = "PROBLEM: " + decoded.error().message;
    } else if (kept) {
      const auto start =
          co_await source.start(shard, config.starting_position, config.starting_time);
      if (start) {
        checkpoint = Checkpoint::at(*start, static_cast<std::size_t>(config.parallel));
        save();
        co_return true;
      }
      progress.last_result = "PROBLEM: " + start.error().message;
    }
    const bool go_on = co_await pause(failures, stop);
    if (!go_on) co_return false;
  }
}

async::Task<base::Result<ShardState::Page>> ShardState::read(Position from, std::size_t limit) {
  const bool shared = checkpoint.lanes.size() > 1;
  const auto lock = co_await reading_.lock();
  const bool here = page_ && page_from_ <= from && page_->records.back().position >= from;
  if (here) co_return page_;
  auto fresh = co_await source.read(shard, from, limit, kReadBytesMax);
  if (!fresh) co_return std::unexpected(fresh.error());
  auto page = std::make_shared<SourcePage>(*std::move(fresh));
  if (shared && !page->records.empty()) {
    page_ = page;
    page_from_ = from;
  }
  co_return page;
}

void ShardState::done(std::size_t lane, Position next) {
  checkpoint.advance(lane, next);
  if (page_ && page_->records.back().position < checkpoint.lowest()) page_.reset();
  save();
}

void ShardState::skipped(std::size_t lane, Position next) {
  const Position before = checkpoint.lanes[lane];
  if (next <= before) return;
  checkpoint.advance(lane, next);
  if (page_ && page_->records.back().position < checkpoint.lowest()) page_.reset();
  unsaved_ += next - before;
  if (unsaved_ >= kUnsavedMax * checkpoint.lanes.size()) save();
}

// Not awaited: what comes after it in the store is durable after it, and a lost checkpoint only
// means that a batch is tried again.
void ShardState::save() {
  unsaved_ = 0;
  store::Batch batch;
  batch.put(key(), encode(checkpoint));
  const auto submitted = deps.store.submit(std::move(batch));
  if (!submitted)
    base::log_error("mapping {}: checkpoint: {}", config.id, submitted.error().to_string());
}

async::Task<base::Status> ShardState::save_durably() {
  unsaved_ = 0;
  store::Batch batch;
  batch.put(key(), encode(checkpoint));
  return deps.store.commit(std::move(batch));
}

void ShardState::save_if_changed() {
  if (unsaved_ > 0) save();
}

// Doubles with each failure in a row, with jitter so that shards do not march in step.
std::chrono::milliseconds ShardState::pause_length(int failures) const {
  const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(kLongestPause);
  auto wait = std::chrono::milliseconds(kFirstPause) * (1 << std::min(failures, 10));
  wait = std::min<std::chrono::milliseconds>(wait, longest);
  const auto jitter = deps.random.below(static_cast<std::uint64_t>(wait.count()) / 2 + 1);
  return wait + std::chrono::milliseconds(jitter);
}

async::Task<bool> ShardState::pause(int failures, std::stop_token stop) const {
  const bool slept = co_await async::sleep_for(pause_length(failures), stop);
  co_return slept;
}

}  // namespace mapping
