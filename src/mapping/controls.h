#pragma once

// What a person sees of a shard's lanes while they work, and what a person can tell them. Lives on
// the mapping's core; shared by the shard's worker and whoever waits for what was ordered. Nothing
// of it survives a crash: what an order did is in the checkpoint.

#include <optional>
#include <string>
#include <vector>

#include "async/signal.h"
#include "base/clock.h"
#include "mapping/ports.h"

namespace mapping {

// A batch that failed and is tried again: nothing behind it in its lane goes on.
struct Blocked {
  std::vector<SourceRecord> records;  // as sent last
  // The first record is known to be the one that fails: it was sent alone, or the function said so.
  bool alone = false;
  int attempts = 0;
  std::string reason;
  std::string request_id;
  base::Timestamp since;
  base::Timestamp next_attempt;
};

struct SkipOrder {
  Position position = 0;
  std::string destination_arn;  // told before; empty: nobody
};

struct LaneControls {
  std::optional<Blocked> blocked;
  bool isolate = false;  // halve what fails until one record is left
  std::optional<SkipOrder> skip;
  std::string skip_failure;  // why the last order could not be carried out
};

struct ShardControls {
  std::vector<LaneControls> lanes;
  async::Signal changed;
};

}  // namespace mapping
