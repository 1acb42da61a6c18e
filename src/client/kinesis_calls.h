#pragma once

// What several commands ask Kinesis, whole: pages put together. Limit: kShardsMax shards.

#include <vector>

#include "api/kinesis/operations.h"
#include "client/patient.h"

namespace client {

inline constexpr std::size_t kShardsMax = 100'000;

async::Task<Answer<std::vector<api::kinesis::Shard>>> list_shards(const Retries& with,
                                                                  std::string stream,
                                                                  Patience patience = {});

struct StreamList {
  std::vector<std::string> names;
  // As many as names, unless the server gives none.
  std::vector<api::kinesis::StreamSummary> summaries;
};
async::Task<Answer<StreamList>> list_streams(const Retries& with);

bool is_open(const api::kinesis::Shard& shard);
// Those that it was made of: none, one, or two.
std::vector<std::string> parents_of(const api::kinesis::Shard& shard);
// "3" is "shardId-000000000003"; everything else is itself.
std::string whole_shard_id(const std::string& text);

}  // namespace client
