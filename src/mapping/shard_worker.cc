#include "mapping/shard_worker.h"

#include <algorithm>

#include "async/timer.h"
#include "base/encoding.h"
#include "base/log.h"

namespace mapping {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBytesMax = kPayloadBytesMax;
constexpr auto kIdleWait = 60s;  // then the source is asked again, whatever it said
constexpr auto kFirstPause = 100ms;
constexpr auto kLongestPause = 30s;

}  // namespace

std::string checkpoint_prefix(const std::string& mapping_id) {
  return "mapping/checkpoint/" + mapping_id + "/";
}
std::string checkpoint_key(const std::string& mapping_id, const std::string& shard) {
  return checkpoint_prefix(mapping_id) + shard;
}

ShardWorker::ShardWorker(const Config& config, std::string shard, RecordSource& source,
                         WorkerDeps deps, Progress& progress)
    : config_(config),
      shard_(std::move(shard)),
      source_(source),
      deps_(deps),
      progress_(progress) {}

std::string ShardWorker::checkpoint_key() const {
  return mapping::checkpoint_key(config_.id, shard_);
}

EventFrame ShardWorker::frame() const {
  return {.region = config_.region,
          .event_source_arn = config_.event_source_arn,
          .role_arn = deps_.invoker.role_arn(config_.function_arn),
          .shard_id = shard_};
}

// Not awaited: what comes after it in the store is durable after it, and a lost checkpoint only
// means that a batch is tried again.
void ShardWorker::checkpoint(Position next) {
  store::Batch batch;
  std::string value;
  base::append_u64(value, next);
  batch.put(checkpoint_key(), std::move(value));
  const auto submitted = deps_.store.submit(std::move(batch));
  if (!submitted)
    base::log_error("mapping {}: checkpoint: {}", config_.id, submitted.error().to_string());
}

async::Task<bool> ShardWorker::run(std::stop_token stop) {
  const auto first = co_await first_position(stop);
  if (!first) co_return false;
  Position position = *first;
  while (!stop.stop_requested()) {
    auto page = co_await collect(position, stop);
    if (!page) co_return false;
    if (!page->records.empty()) {
      const Position next = page->records.back().position + 1;
      const Outcome outcome = co_await process(std::move(page->records), stop);
      if (outcome == Outcome::kStopped) co_return false;
      position = next;
    }
    if (page->finished) co_return true;
  }
  co_return false;
}

// The checkpoint, or where the mapping is to start; that is written down at once, so that LATEST
// means the same after a restart.
async::Task<std::optional<Position>> ShardWorker::first_position(std::stop_token stop) {
  for (int failures = 0;; ++failures) {
    const auto kept = co_await deps_.store.get(checkpoint_key());
    if (kept && kept->has_value() && (*kept)->size() == 8) co_return base::read_u64(**kept);
    if (kept) {
      const auto start =
          co_await source_.start(shard_, config_.starting_position, config_.starting_time);
      if (start) {
        checkpoint(*start);
        co_return *start;
      }
      progress_.last_result = "PROBLEM: " + start.error().message;
    }
    const bool go_on = co_await pause(failures, stop);
    if (!go_on) co_return std::nullopt;
  }
}

// A batch: what is there, cut to size, after waiting for the first record and then for the window.
async::Task<std::optional<SourcePage>> ShardWorker::collect(Position from, std::stop_token stop) {
  int failures = 0;
  while (!stop.stop_requested()) {
    auto page = co_await source_.read(shard_, from, static_cast<std::size_t>(config_.batch_size),
                                      kReadBytesMax);
    if (!page) {
      progress_.last_result = "PROBLEM: " + page.error().message;
      const bool go_on = co_await pause(failures++, stop);
      if (!go_on) break;
      continue;
    }
    failures = 0;
    if (page->records.empty() && !page->finished) {
      const base::SteadyTime deadline = async::Core::current()->now() + kIdleWait;
      co_await source_.wait(shard_, from, deadline, stop);
      continue;
    }
    co_await fill_window(*page, from, stop);
    const std::size_t before = page->records.size();
    trim_to_payload(page->records);
    if (page->records.size() < before) page->finished = false;
    co_return *std::move(page);
  }
  co_return std::nullopt;
}

async::Task<void> ShardWorker::fill_window(SourcePage& page, Position from, std::stop_token stop) {
  const base::SteadyTime end =
      async::Core::current()->now() + std::chrono::seconds(config_.window_seconds);
  const auto wanted = static_cast<std::size_t>(config_.batch_size);
  while (config_.window_seconds > 0 && page.records.size() < wanted && !page.finished) {
    if (stop.stop_requested() || async::Core::current()->now() >= end) co_return;
    co_await source_.wait(shard_, page.records.back().position + 1, end, stop);
    auto more = co_await source_.read(shard_, from, wanted, kReadBytesMax);
    if (!more) co_return;
    if (more->records.size() >= page.records.size()) page = *std::move(more);
  }
}

void ShardWorker::trim_to_payload(std::vector<SourceRecord>& records) const {
  const EventFrame around = frame();
  std::size_t bytes = 16;
  for (std::size_t i = 0; i < records.size(); ++i) {
    bytes += event_bytes(around, records[i]);
    if (bytes > kPayloadBytesMax && i > 0) {
      records.resize(i);
      return;
    }
  }
}

// Works through the records front to back. `pending` holds stretches in order; bisecting replaces
// one by its halves.
async::Task<ShardWorker::Outcome> ShardWorker::process(std::vector<SourceRecord> records,
                                                       std::stop_token stop) {
  std::vector<Batch> pending;
  pending.push_back({.records = std::move(records), .attempts = 0, .last = {}});
  int failures = 0;
  while (!pending.empty()) {
    if (stop.stop_requested()) co_return Outcome::kStopped;
    Batch& batch = pending.back();
    co_await attempt(batch);
    if (batch.records.empty()) {
      failures = 0;
      pending.pop_back();
      continue;
    }
    const bool gave_up = co_await give_up_if_due(batch);
    if (gave_up) {
      failures = 0;
      pending.pop_back();
      continue;
    }
    const bool split = config_.bisect_on_error && batch.records.size() > 1 &&
                       batch.last.kind == InvokeResult::Kind::kFunctionError;
    if (split) {
      const auto middle =
          batch.records.begin() + static_cast<std::ptrdiff_t>(batch.records.size() / 2);
      Batch front{.records = {std::make_move_iterator(batch.records.begin()),
                              std::make_move_iterator(middle)},
                  .attempts = batch.attempts,
                  .last = batch.last};
      batch.records.erase(batch.records.begin(), middle);
      pending.push_back(std::move(front));
    }
    const bool go_on = co_await pause(failures++, stop);
    if (!go_on) co_return Outcome::kStopped;
  }
  co_return Outcome::kDone;
}

// One call of the function. What it dealt with leaves the batch, and the checkpoint follows.
async::Task<void> ShardWorker::attempt(Batch& batch) {
  batch.last =
      co_await deps_.invoker.invoke(config_.function_arn, kinesis_event(frame(), batch.records));
  std::size_t done = 0;
  if (batch.last.kind == InvokeResult::Kind::kSuccess) {
    done = batch.records.size();
    if (config_.report_item_failures)
      done = first_failure(batch.last.payload, batch.records).value_or(done);
  }
  if (batch.last.kind != InvokeResult::Kind::kUnavailable) ++batch.attempts;
  if (done > 0) {
    checkpoint(batch.records[done - 1].position + 1);
    progress_.records += done;
    ++progress_.batches;
    batch.records.erase(batch.records.begin(),
                        batch.records.begin() + static_cast<std::ptrdiff_t>(done));
  }
  if (batch.records.empty()) {
    progress_.last_result = "OK";
    co_return;
  }
  ++progress_.failures;
  if (done > 0) batch.attempts = 0;  // it moved: what is left is a new batch
  progress_.last_result = "PROBLEM: " + (batch.last.kind == InvokeResult::Kind::kUnavailable
                                             ? batch.last.reason
                                             : std::string("Function call failed"));
}

std::optional<std::string> ShardWorker::give_up_condition(const Batch& batch) const {
  const base::Timestamp now = deps_.clock.now();
  if (config_.record_age_seconds_max != kForever &&
      now - batch.records.front().arrival > std::chrono::seconds(config_.record_age_seconds_max))
    return "RecordAgeExceeded";
  if (config_.retries_max != kForever && batch.attempts > config_.retries_max)
    return "RetryAttemptsExhausted";
  return std::nullopt;
}

// Gives the batch up when the settings say so, or when its records are no longer in the stream.
async::Task<bool> ShardWorker::give_up_if_due(Batch& batch) {
  if (config_.bisect_on_error && batch.records.size() > 1 && config_.retries_max != kForever &&
      batch.attempts > config_.retries_max &&
      batch.last.kind == InvokeResult::Kind::kFunctionError) {
    batch.attempts = config_.retries_max;  // halves get one more try each
    co_return false;
  }
  auto condition = give_up_condition(batch);
  if (!condition) {
    const auto still = co_await source_.read(shard_, batch.records.back().position, 1, 1);
    const bool expired = still && !still->records.empty() &&
                         still->records.front().position > batch.records.back().position;
    if (!expired) co_return false;
    condition = "RecordAgeExceeded";
  }
  if (!config_.on_failure_arn.empty()) {
    const GiveUp why{.condition = *condition,
                     .request_id = batch.last.request_id,
                     .attempts = batch.attempts,
                     .function_error = batch.last.kind == InvokeResult::Kind::kFunctionError
                                           ? "Unhandled"
                                           : std::string()};
    const base::Status told = co_await deps_.failures.deliver(
        config_.on_failure_arn, config_.function_arn,
        failure_document(config_, frame(), why, batch.records, deps_.clock.now()));
    if (!told) {
      progress_.last_result = "PROBLEM: failure destination: " + told.error().message;
      co_return false;  // nobody knows of it yet: try again
    }
  }
  base::log_warn("mapping {}: gave up {} records of {} from {} on ({}): {}", config_.id,
                 batch.records.size(), shard_, batch.records.front().sequence_number, *condition,
                 batch.last.reason);
  progress_.given_up += batch.records.size();
  checkpoint(batch.records.back().position + 1);
  co_return true;
}

// Doubles with each failure in a row, with jitter so that shards do not march in step.
async::Task<bool> ShardWorker::pause(int failures, std::stop_token stop) {
  const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(kLongestPause);
  auto wait = std::chrono::milliseconds(kFirstPause) * (1 << std::min(failures, 10));
  wait = std::min<std::chrono::milliseconds>(wait, longest);
  const auto jitter = deps_.random.below(static_cast<std::uint64_t>(wait.count()) / 2 + 1);
  const bool slept = co_await async::sleep_for(wait + std::chrono::milliseconds(jitter), stop);
  co_return slept;
}

}  // namespace mapping
