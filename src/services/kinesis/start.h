#pragma once

// Where a reader begins in a shard: the five starting positions of GetShardIterator and
// SubscribeToShard, with AWS's refusals. Works from any core.

#include "services/kinesis/kinesis.h"

namespace services::kinesis {

struct Start {
  std::string_view operation;  // for texts
  std::string type;            // "LATEST" and the others, valid already
  std::optional<std::string> number;
  std::optional<base::Timestamp> timestamp;
};

// The position of the first record to read; LATEST is fixed here and now. `shard` is one of
// `stream`'s. InvalidArgumentException for what does not go together or is none of the shard's
// numbers.
async::Task<api::Outcome<streamlog::Position>> start_position(const Deps& deps, Start start,
                                                              StreamPtr stream,
                                                              streamlog::ShardInfo shard);

}  // namespace services::kinesis
