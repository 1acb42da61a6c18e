#pragma once

// What comes into a stream's open shards while one looks: counted, not estimated. It reads what is
// put during that time, so it takes its part of each shard's reads.

#include <map>

#include "client/kinesis_calls.h"

namespace client {

inline constexpr std::chrono::seconds kObserveMax{60};  // an iterator lives for five minutes

struct Observed {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  // of data and partition keys
  double seconds = 0;
  bool whole = true;  // false: there was more than could be read; the counts are too low
};

// By shard id; ends early, with what was counted until then, when it is stopped. A shard that is
// gone meanwhile is left out.
async::Task<Answer<std::map<std::string, Observed>>> observe(
    Retries with, std::string stream, std::vector<api::kinesis::Shard> shards,
    std::chrono::milliseconds how_long);

}  // namespace client
