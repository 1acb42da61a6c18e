// The event that a Kinesis event source mapping hands to a function. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sdk/result.h"

namespace event_processor {

struct KinesisRecord {
  std::string event_id;     // shard id, colon, sequence number; empty if the event has none
  std::string data_base64;  // as in the event
  std::string defect;       // not empty: why this entry is no record; data_base64 is then empty
};

inline constexpr std::size_t kRecordsMax = 10'000;  // the largest batch that a mapping can have

// Entries that are no Kinesis records come out with their defect named, so that one of them does
// not take its neighbours with it. Errors: kInput if the payload is no such event at all.
sdk::Result<std::vector<KinesisRecord>> parse_kinesis_event(std::string_view payload);

}  // namespace event_processor
