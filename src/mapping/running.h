#pragma once

// Of Mappings, for its own files: a mapping with what works for it.

#include <set>

#include "mapping/mappings.h"

namespace mapping {

// A checkpoint's value: the shard is closed and was processed to its end.
inline constexpr std::string_view kDone = "done";

// The gate holds the driver and one worker for each shard.
struct Mappings::Running {
  Config config;
  std::unique_ptr<RecordSource> source;
  std::set<std::string> active;                   // shards with a worker
  std::set<std::string> done;                     // shards processed to their end
  std::map<std::string, const ShardState*> live;  // of the workers that run
  Progress progress;
  std::stop_source stop;
  std::unique_ptr<async::Gate> gate;
};

}  // namespace mapping
