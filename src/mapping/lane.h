#pragma once

// Lane: takes its part of a shard's records, in order, to one function. Lives on the mapping's
// core; owned by its ShardWorker. A batch is tried until it succeeds, is given up by the mapping's
// settings, or its records have expired; only then does the lane's next one go.

#include "mapping/gatherer.h"

namespace mapping {

class Lane {
 public:
  Lane(ShardState& state, std::size_t index) : state_(state), index_(index) {}

  // True: the shard is closed and the lane has nothing more to do. False: stopped.
  async::Task<bool> run(std::stop_token stop);

 private:
  // A stretch of the lane on its way through the function.
  struct Batch {
    std::vector<SourceRecord> records;
    int attempts = 0;
    InvokeResult last;
  };

  // All of these: false where they were stopped first.
  async::Task<bool> handle(Gathered got, std::stop_token stop);
  async::Task<bool> process(std::vector<SourceRecord> records, std::stop_token stop);
  async::Task<bool> give_up_expired(Batch& batch, std::stop_token stop);
  async::Task<bool> give_up_if_due(Batch& batch, std::stop_token stop);
  async::Task<bool> give_up(Batch& batch, std::size_t count, std::string condition,
                            std::stop_token stop);
  void count_given_up(std::size_t count, bool by_settings) const;
  async::Task<bool> end_window(bool early, std::stop_token stop);

  async::Task<bool> wait_to_retry(int failures, std::stop_token stop);
  async::Task<void> skip_front(Batch& batch);

  async::Task<void> attempt(Batch& batch);
  void note_failure(const Batch& batch, int failures);
  void forget_failure();
  bool divisible(const Batch& batch) const;
  GiveUp reasons(const Batch& batch, std::string condition) const;
  FailureNote note_of(std::string destination, const GiveUp& why,
                      std::span<const SourceRecord> lost) const;
  LaneControls& own() const { return state_.controls->lanes[index_]; }
  async::Task<bool> left_the_stream(const Batch& batch) const;
  bool retries_exhausted(const Batch& batch) const;
  std::size_t done_of(Batch& batch);
  std::optional<WindowFrame> window_frame() const;
  static Batch split(Batch& batch);

  ShardState& state_;
  const std::size_t index_;
};

}  // namespace mapping
