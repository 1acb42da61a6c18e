#pragma once

// What the lanes of one shard share: the checkpoint, the pages read last, the settings. Lives on
// the mapping's core; owned by the shard's ShardWorker, which outlives its lanes.
//
// Durable: the checkpoint, a moment after it moved (save() does not wait). It moves past a record
// only after that was dealt with or filtered out, so after a crash a batch may be tried again but
// none is passed over.

#include <memory>
#include <optional>
#include <stop_token>

#include "async/mutex.h"
#include "base/random.h"
#include "mapping/checkpoint.h"
#include "mapping/config.h"
#include "mapping/controls.h"
#include "mapping/event.h"
#include "mapping/filter.h"
#include "store/store.h"

namespace mapping {

// Counted since the mapping was started, for metrics and `millrace mapping`.
struct Progress {
  std::uint64_t records = 0;
  std::uint64_t batches = 0;
  std::uint64_t failures = 0;
  std::uint64_t given_up = 0;
  std::uint64_t filtered = 0;
  std::string last_result = "No records processed";
};

struct WorkerDeps {
  store::Store& store;
  Invoker& invoker;
  FailureSink& failures;
  const base::Clock& clock;
  base::Random& random;
};

class ShardState {
 public:
  using Page = std::shared_ptr<SourcePage>;

  ShardState(const Config& settings, std::string shard_id, RecordSource& records_from,
             WorkerDeps plugs, Progress& counts);

  // Finds out where to go on. False: stopped first.
  async::Task<bool> load(std::stop_token stop);
  // Records at or above `from`; maybe earlier ones before them, for another lane read them. Only a
  // sole lane may change the page.
  async::Task<base::Result<Page>> read(Position from, std::size_t limit);

  // The lane has dealt with what lies below `next`.
  void done(std::size_t lane, Position next);
  // The same where nothing was to do; written down now and then only.
  void skipped(std::size_t lane, Position next);
  void save();
  void save_if_changed();
  // Answers once it is durable.
  async::Task<base::Status> save_durably();

  // For whom asked for metrics.
  void count(const EventCounts& events) const;

  EventFrame frame() const;
  base::Timestamp window_of(base::Timestamp arrival) const;
  base::Timestamp window_end(base::Timestamp start) const;
  // How long to wait after the given number of failures in a row.
  std::chrono::milliseconds pause_length(int failures) const;
  // Waits so long. False: stopped.
  async::Task<bool> pause(int failures, std::stop_token stop) const;

  const Config& config;
  const std::string shard;
  RecordSource& source;
  const WorkerDeps deps;
  Progress& progress;
  Checkpoint checkpoint;
  Filter filter;
  std::shared_ptr<ShardControls> controls = std::make_shared<ShardControls>();

 private:
  std::string key() const;

  std::uint64_t unsaved_ = 0;
  async::Mutex reading_;
  Page page_;  // only with several lanes
  Position page_from_ = 0;
};

// Where checkpoints are kept: see docs/formats/mapping.md.
std::string checkpoint_key(const std::string& mapping_id, const std::string& shard);
std::string checkpoint_prefix(const std::string& mapping_id);

}  // namespace mapping
