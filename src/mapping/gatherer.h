#pragma once

// Gatherer: makes a lane's next batch from what a shard holds: the lane's own records that pass the
// filter, up to the batch's size and the event's, within the batching window and the tumbling
// window. Lives on the mapping's core; owned by its lane.

#include "mapping/shard_state.h"

namespace mapping {

struct Gathered {
  std::vector<SourceRecord> records;  // may be empty
  Position next = 0;                  // everything of this lane below it is in here, or was skipped
  bool finished = false;              // the shard is closed and nothing lies beyond
  base::Timestamp window;             // start of the tumbling window that the records belong to
  bool window_ends = false;           // after these records
};

class Gatherer {
 public:
  Gatherer(ShardState& state, std::size_t lane) : state_(state), lane_(lane) {}

  // nullopt: stopped.
  async::Task<std::optional<Gathered>> gather(std::stop_token stop);

 private:
  struct Draft;

  bool take(SourcePage& page, Draft& draft);
  bool take_counted(SourcePage& page, Draft& draft, EventCounts& seen);
  bool fits(const SourceRecord& record, Draft& draft) const;
  std::optional<base::SteadyTime> tip_deadline(Draft& draft) const;
  std::size_t read_limit(const Draft& draft) const;

  ShardState& state_;
  const std::size_t lane_;
};

}  // namespace mapping
