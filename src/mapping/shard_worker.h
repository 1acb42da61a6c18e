#pragma once

// ShardWorker: takes one shard's records, in order, to one function. Lives on the mapping's core;
// owned by its Mapping. A batch is tried until it succeeds, is given up by the mapping's settings,
// or its records have expired; only then does the next one go.
//
// Durable: the checkpoint moves past a batch only after it was dealt with, so after a crash a batch
// may be tried again but none is passed over.

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/random.h"
#include "mapping/config.h"
#include "mapping/event.h"
#include "store/store.h"

namespace mapping {

// Counted since the mapping was started, for metrics and `millrace mapping`.
struct Progress {
  std::uint64_t records = 0;
  std::uint64_t batches = 0;
  std::uint64_t failures = 0;
  std::uint64_t given_up = 0;
  std::string last_result = "No records processed";
};

struct WorkerDeps {
  store::Store& store;
  Invoker& invoker;
  FailureSink& failures;
  const base::Clock& clock;
  base::Random& random;
};

class ShardWorker {
 public:
  ShardWorker(const Config& config, std::string shard, RecordSource& source, WorkerDeps deps,
              Progress& progress);

  // True: the shard is closed and processed to its end. False: stopped.
  async::Task<bool> run(std::stop_token stop);

 private:
  // A stretch of the shard on its way through the function.
  struct Batch {
    std::vector<SourceRecord> records;
    int attempts = 0;
    InvokeResult last;
  };
  enum class Outcome { kDone, kStopped };

  async::Task<std::optional<Position>> first_position(std::stop_token stop);
  async::Task<std::optional<SourcePage>> collect(Position from, std::stop_token stop);
  async::Task<void> fill_window(SourcePage& page, Position from, std::stop_token stop);
  async::Task<Outcome> process(std::vector<SourceRecord> records, std::stop_token stop);
  async::Task<void> attempt(Batch& batch);
  async::Task<bool> give_up_if_due(Batch& batch);
  async::Task<bool> pause(int failures, std::stop_token stop);
  void trim_to_payload(std::vector<SourceRecord>& records) const;
  std::optional<std::string> give_up_condition(const Batch& batch) const;
  void checkpoint(Position next);
  EventFrame frame() const;
  std::string checkpoint_key() const;

  const Config& config_;
  const std::string shard_;
  RecordSource& source_;
  WorkerDeps deps_;
  Progress& progress_;
};

// Where checkpoints are kept: the next position to process, or "done".
std::string checkpoint_key(const std::string& mapping_id, const std::string& shard);
std::string checkpoint_prefix(const std::string& mapping_id);

}  // namespace mapping
