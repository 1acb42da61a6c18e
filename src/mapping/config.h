#pragma once

// What a mapping is told to do, and where it stands. Plain values, persisted as JSON
// (docs/formats/mapping.md).

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mapping/ports.h"

namespace mapping {

// AWS's own bounds and defaults: "Event source mapping parameters" for Kinesis.
inline constexpr std::int32_t kBatchSizeDefault = 100;
inline constexpr std::int32_t kBatchSizeMax = 10'000;
inline constexpr std::size_t kPayloadBytesMax = 6U << 20U;
inline constexpr std::size_t kPayloadFrameBytes = 512;  // of an event, around its records
inline constexpr std::int32_t kForever = -1;            // retries and record age
inline constexpr std::int32_t kParallelMax = 10;
inline constexpr std::int32_t kTumblingSecondsMax = 900;
inline constexpr std::size_t kWindowStateBytesMax = 1U << 20U;  // then the window ends early

enum class State { kCreating, kEnabling, kEnabled, kDisabling, kDisabled, kUpdating, kDeleting };
std::string_view to_string(State state);

struct Config {
  std::string id;  // UUID
  std::string account_id;
  std::string region;
  std::string function_arn;  // with its qualifier, if one was given
  std::string event_source_arn;
  StartingPosition starting_position = StartingPosition::kTrimHorizon;
  base::Timestamp starting_time;
  bool enabled = true;
  std::int32_t batch_size = kBatchSizeDefault;
  std::int32_t window_seconds = 0;
  std::int32_t retries_max = kForever;
  std::int32_t record_age_seconds_max = kForever;
  bool bisect_on_error = false;
  bool report_item_failures = false;
  std::string on_failure_arn;         // empty: nobody is told
  std::int32_t parallel = 1;          // batches of a shard at a time, each with keys of its own
  std::int32_t tumbling_seconds = 0;  // 0: no windows
  std::vector<std::string> filters;   // event patterns, one of which has to match; none: all pass
  bool counts_events = false;         // CloudWatch shows them under the mapping's id
  base::Timestamp modified;
};

std::string encode(const Config& config);
base::Result<Config> decode_config(std::string_view bytes);

}  // namespace mapping
