#pragma once

// ShardWorker: takes one shard's records to one function, through as many lanes as the mapping's
// parallelization factor says. Lives on the mapping's core; owned by its Mapping. What is durable
// of it: shard_state.h.

#include "mapping/lane.h"

namespace mapping {

class ShardWorker {
 public:
  ShardWorker(const Config& config, std::string shard, RecordSource& source, WorkerDeps deps,
              Progress& progress)
      : state_(config, std::move(shard), source, deps, progress) {}

  const ShardState& state() const { return state_; }

  // True: the shard is closed and processed to its end. False: stopped.
  async::Task<bool> run(std::stop_token stop);

 private:
  ShardState state_;
};

}  // namespace mapping
