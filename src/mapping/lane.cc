#include "mapping/lane.h"

#include <algorithm>

#include "base/log.h"

namespace mapping {

using Kind = InvokeResult::Kind;

namespace {

constexpr std::size_t kReasonBytesMax = 300;  // of an answer, in a line of the log

std::string records_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " record" : " records");
}

}  // namespace

async::Task<bool> Lane::run(std::stop_token stop) {
  Gatherer gatherer(state_, index_);
  while (!stop.stop_requested()) {
    auto got = co_await gatherer.gather(stop);
    if (!got) co_return false;
    const bool finished = got->finished;
    const bool handled = co_await handle(*std::move(got), stop);
    if (!handled) co_return false;
    if (finished) co_return true;
  }
  co_return false;
}

async::Task<bool> Lane::handle(Gathered got, std::stop_token stop) {
  auto& window = state_.checkpoint.window;
  if (!got.records.empty()) {
    if (state_.config.tumbling_seconds > 0 && !window) window = OpenWindow{.start = got.window};
    const bool processed = co_await process(std::move(got.records), stop);
    if (!processed) co_return false;
    if (window && window->state.size() > kWindowStateBytesMax) {
      const bool ended = co_await end_window(true, stop);
      if (!ended) co_return false;
    }
  }
  state_.skipped(index_, got.next);
  if (!got.window_ends || !window) co_return true;
  const bool ended = co_await end_window(false, stop);
  co_return ended;
}

// Works through the records front to back. `pending` holds stretches in order; bisecting replaces
// one by its halves.
async::Task<bool> Lane::process(std::vector<SourceRecord> records, std::stop_token stop) {
  std::vector<Batch> pending;
  pending.push_back({.records = std::move(records), .attempts = 0, .last = {}});
  int failures = 0;
  while (!pending.empty()) {
    if (stop.stop_requested()) co_return false;
    Batch& batch = pending.back();
    bool go_on = co_await give_up_expired(batch, stop);
    if (!go_on) co_return false;
    if (!batch.records.empty()) co_await attempt(batch);
    if (!batch.records.empty()) {
      go_on = co_await give_up_if_due(batch, stop);
      if (!go_on) co_return false;
    }
    const bool waits = !batch.records.empty() && !divisible(batch);
    if (waits) {
      note_failure(batch, failures);
      go_on = co_await wait_to_retry(failures++, stop);
      if (!go_on) co_return false;
      if (own().skip) co_await skip_front(batch);
    }
    if (batch.records.empty()) {
      failures = 0;
      forget_failure();
      pending.pop_back();
    } else if (divisible(batch)) {  // halving ends soon, so it need not wait
      Batch front = split(batch);
      pending.push_back(std::move(front));
    }
  }
  own().isolate = false;
  co_return true;
}

bool Lane::divisible(const Batch& batch) const {
  return (state_.config.bisect_on_error || own().isolate) && batch.records.size() > 1 &&
         batch.last.kind == Kind::kFunctionError;
}

// For a person: a line when a lane is blocked, and one each time that it has waited twice as often.
void Lane::note_failure(const Batch& batch, int failures) {
  const SourceRecord& front = batch.records.front();
  if ((failures & (failures - 1)) == 0)
    base::log_warn("mapping {}: {}: {} from {} on failed, attempt {}: {}", state_.config.id,
                   state_.shard, records_text(batch.records.size()), front.sequence_number,
                   batch.attempts, batch.last.reason);
  auto& blocked = own().blocked;
  const base::Timestamp now = state_.deps.clock.now();
  const bool same = blocked && blocked->records.front().position == front.position &&
                    blocked->records.size() == batch.records.size();
  if (!same) blocked = Blocked{.records = batch.records, .since = now};
  // A function that ran and named its failures had the first of them in front.
  blocked->alone = batch.last.kind == Kind::kSuccess ||
                   (batch.last.kind == Kind::kFunctionError && batch.records.size() == 1);
  blocked->attempts = batch.attempts;
  blocked->reason = batch.last.reason;
  blocked->request_id = batch.last.request_id;
}

void Lane::forget_failure() {
  own().blocked.reset();
  own().skip.reset();
  state_.controls->changed.notify();
}

// Ends early where a person has ordered something.
async::Task<bool> Lane::wait_to_retry(int failures, std::stop_token stop) {
  ShardControls& controls = *state_.controls;
  const bool isolated = own().isolate;
  const auto pause = state_.pause_length(failures);
  own().blocked->next_attempt = state_.deps.clock.now() + pause;
  const base::SteadyTime deadline = async::Core::current()->now() + pause;
  controls.changed.notify();
  for (;;) {
    const auto seen = controls.changed.version();
    if (own().skip || own().isolate != isolated) co_return !stop.stop_requested();
    const bool notified = co_await controls.changed.wait_past(seen, deadline, stop);
    if (stop.stop_requested()) co_return false;
    if (!notified) co_return true;
  }
}

// Leaves the one record behind that a person wants to be left.
async::Task<void> Lane::skip_front(Batch& batch) {
  const SkipOrder order = *own().skip;
  own().skip.reset();
  own().skip_failure.clear();
  if (order.position != batch.records.front().position) co_return;
  const std::span<const SourceRecord> lost(batch.records.data(), 1);
  if (!order.destination_arn.empty()) {
    auto note = note_of(order.destination_arn, reasons(batch, std::string(kSkipped)), lost);
    const base::Status told = co_await state_.deps.failures.deliver(std::move(note));
    if (!told) own().skip_failure = told.error().message;
  }
  if (own().skip_failure.empty()) {
    const Position before = state_.checkpoint.lanes[index_];
    state_.checkpoint.advance(index_, order.position + 1);
    const base::Status saved = co_await state_.save_durably();
    if (!saved) {
      own().skip_failure = saved.error().message;
      state_.checkpoint.lanes[index_] = before;
    }
  }
  if (own().skip_failure.empty()) {
    base::log_warn("mapping {}: skipped 1 record of {}, {}, because it was told to: {}",
                   state_.config.id, state_.shard, lost.front().sequence_number, batch.last.reason);
    ++state_.progress.given_up;
    batch.records.erase(batch.records.begin());
    batch.attempts = 0;
    own().blocked.reset();
  }
  state_.controls->changed.notify();
}

// Takes the first half out of the batch.
Lane::Batch Lane::split(Batch& batch) {
  const auto middle = batch.records.begin() + static_cast<std::ptrdiff_t>(batch.records.size() / 2);
  Batch front{
      .records = {std::make_move_iterator(batch.records.begin()), std::make_move_iterator(middle)},
      .attempts = batch.attempts,
      .last = batch.last};
  batch.records.erase(batch.records.begin(), middle);
  return front;
}

std::optional<WindowFrame> Lane::window_frame() const {
  const auto& window = state_.checkpoint.window;
  if (!window) return std::nullopt;
  return WindowFrame{
      .start = window->start, .end = state_.window_end(window->start), .state = window->state};
}

// One call of the function. What it dealt with leaves the batch, and the checkpoint follows.
async::Task<void> Lane::attempt(Batch& batch) {
  std::string event = stream_event(state_.frame(), batch.records, window_frame());
  state_.deps.invoker.sending(state_.config.function_arn,
                              state_.deps.clock.now() - batch.records.back().arrival);
  batch.last = co_await state_.deps.invoker.invoke(state_.config.function_arn, std::move(event));
  const std::size_t done = done_of(batch);
  const bool ran = batch.last.kind != Kind::kUnavailable;
  if (ran) ++batch.attempts;
  state_.count({.invoked = ran ? batch.records.size() : 0, .failed = batch.records.size() - done});
  if (done > 0) {
    state_.done(index_, batch.records[done - 1].position + 1);
    state_.progress.records += done;
    ++state_.progress.batches;
    batch.records.erase(batch.records.begin(),
                        batch.records.begin() + static_cast<std::ptrdiff_t>(done));
  }
  if (batch.records.empty()) {
    state_.progress.last_result = "OK";
    co_return;
  }
  ++state_.progress.failures;
  if (done > 0) batch.attempts = 0;  // it moved: what is left is a new batch
  state_.progress.last_result =
      "PROBLEM: " + (batch.last.kind == Kind::kUnavailable ? batch.last.reason
                                                           : std::string("Function call failed"));
}

// How many of the batch's records the answer says are done. Within a window an answer has a state;
// that becomes the window's with the first record done.
std::size_t Lane::done_of(Batch& batch) {
  if (batch.last.kind != Kind::kSuccess) return 0;
  std::optional<std::string> state;
  auto& window = state_.checkpoint.window;
  if (window) {
    state = window_state(batch.last.payload);
    if (!state) {
      batch.last.kind = Kind::kFunctionError;
      batch.last.reason = "The answer within a tumbling window has no state";
      return 0;
    }
  }
  std::size_t done = batch.records.size();
  if (state_.config.report_item_failures)
    done = first_failure(batch.last.payload, batch.records).value_or(done);
  if (done < batch.records.size())
    batch.last.reason = "The function answered " + batch.last.payload.substr(0, kReasonBytesMax);
  if (window && done > 0) window->state = *std::move(state);
  return done;
}

// Records that are too old are not tried any more, nor for the first time.
async::Task<bool> Lane::give_up_expired(Batch& batch, std::stop_token stop) {
  if (state_.config.record_age_seconds_max == kForever) co_return true;
  const base::Timestamp oldest =
      state_.deps.clock.now() - std::chrono::seconds(state_.config.record_age_seconds_max);
  const auto young = std::ranges::find_if(
      batch.records, [&](const SourceRecord& record) { return record.arrival >= oldest; });
  const auto expired = static_cast<std::size_t>(young - batch.records.begin());
  if (expired == 0) co_return true;
  const bool told = co_await give_up(batch, expired, "RecordAgeExceeded", stop);
  if (told) count_given_up(expired, true);
  co_return told;
}

bool Lane::retries_exhausted(const Batch& batch) const {
  return state_.config.retries_max != kForever && batch.attempts > state_.config.retries_max;
}

// The retention period has passed over the whole batch.
async::Task<bool> Lane::left_the_stream(const Batch& batch) const {
  const Position last = batch.records.back().position;
  const auto still = co_await state_.source.read(state_.shard, last, 1, 1);
  co_return still && !still->records.empty() && still->records.front().position > last;
}

// Gives the batch up when the settings say so, or when its records are no longer in the stream.
async::Task<bool> Lane::give_up_if_due(Batch& batch, std::stop_token stop) {
  std::string condition = "RetryAttemptsExhausted";
  const bool by_settings = retries_exhausted(batch);
  if (by_settings) {
    if (divisible(batch)) {
      batch.attempts = state_.config.retries_max;  // halves get one more try each
      co_return true;
    }
  } else {
    const bool gone = co_await left_the_stream(batch);
    if (!gone) co_return true;
    condition = "RecordAgeExceeded";
  }
  const std::size_t count = batch.records.size();
  const bool told = co_await give_up(batch, count, std::move(condition), stop);
  if (told) count_given_up(count, by_settings);
  co_return told;
}

// What only left the stream was not dropped by the mapping, as AWS counts.
void Lane::count_given_up(std::size_t count, bool by_settings) const {
  if (!state_.config.on_failure_arn.empty()) state_.count({.delivered = count});
  else if (by_settings) state_.count({.dropped = count});
}

GiveUp Lane::reasons(const Batch& batch, std::string condition) const {
  const bool answered = condition != "RecordAgeExceeded" && batch.last.kind == Kind::kFunctionError;
  return {.condition = std::move(condition),
          .request_id = batch.last.request_id.empty() ? base::uuid(state_.deps.random)
                                                      : batch.last.request_id,
          .attempts = std::max(1, batch.attempts),
          .function_error = answered ? "Unhandled" : ""};
}

FailureNote Lane::note_of(std::string destination, const GiveUp& why,
                          std::span<const SourceRecord> lost) const {
  const Config& config = state_.config;
  return {.destination_arn = std::move(destination),
          .function_arn = config.function_arn,
          .mapping_id = config.id,
          .shard_id = state_.shard,
          .document = failure_document(config, state_.frame(), why, lost, state_.deps.clock.now())};
}

// Leaves the first `count` records behind. The destination is told first, however long that takes:
// what is neither processed nor reported is not passed over.
async::Task<bool> Lane::give_up(Batch& batch, std::size_t count, std::string condition,
                                std::stop_token stop) {
  const Config& config = state_.config;
  const std::span<const SourceRecord> lost(batch.records.data(), count);
  const GiveUp why = reasons(batch, condition);
  for (int failures = 0; !config.on_failure_arn.empty(); ++failures) {
    FailureNote note = note_of(config.on_failure_arn, why, lost);
    const base::Status told = co_await state_.deps.failures.deliver(std::move(note));
    if (told) break;
    state_.progress.last_result = "PROBLEM: on-failure destination: " + told.error().message;
    const bool go_on = co_await state_.pause(failures, stop);
    if (!go_on) co_return false;
  }
  base::log_warn("mapping {}: gave up {} of {} from {} on ({}): {}", config.id, records_text(count),
                 state_.shard, lost.front().sequence_number, condition, batch.last.reason);
  state_.progress.given_up += count;
  state_.done(index_, lost.back().position + 1);
  batch.records.erase(batch.records.begin(),
                      batch.records.begin() + static_cast<std::ptrdiff_t>(count));
  co_return true;
}

// The window's last call, without records, until it succeeds or its retries are over. A window that
// ends early goes on with a state of its own.
async::Task<bool> Lane::end_window(bool early, std::stop_token stop) {
  for (int attempts = 0, failures = 0;; ++failures) {
    auto frame = window_frame();
    frame->final = true;
    frame->early = early;
    std::string event = stream_event(state_.frame(), {}, frame);
    const InvokeResult result =
        co_await state_.deps.invoker.invoke(state_.config.function_arn, std::move(event));
    if (result.kind == Kind::kSuccess) break;
    if (result.kind == Kind::kFunctionError) ++attempts;
    ++state_.progress.failures;
    state_.progress.last_result = "PROBLEM: Function call failed";
    if (state_.config.retries_max != kForever && attempts > state_.config.retries_max) {
      base::log_warn("mapping {}: gave up the end of a window of {}: {}", state_.config.id,
                     state_.shard, result.reason);
      break;
    }
    const bool go_on = co_await state_.pause(failures, stop);
    if (!go_on) co_return false;
  }
  auto& window = state_.checkpoint.window;
  if (early) window->state = "{}";
  else window.reset();
  state_.save();
  co_return true;
}

}  // namespace mapping
