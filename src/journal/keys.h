#pragma once

// The store keys of log groups (docs/formats/logs.md). Pure. Everything of one group but its
// description begins with a part and the group's id, so that a group goes away by ranges.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "journal/event.h"
#include "journal/group_info.h"

namespace journal::keys {

inline constexpr std::string_view kGroups = "journal/group/";
inline constexpr std::string_view kNextId = "journal/next_id";

enum class Part : char {
  kTally = 't',   // ""             -> stored bytes, last order
  kStream = 's',  // name           -> StreamInfo
  kRecent = 'r',  // last time name -> ""
  kName = 'n',    // stream id      -> name
  kEvent = 'e',   // stream id position -> event
  kIndex = 'i',   // position       -> stream id, size
  kDoomed = 'x',  // stream id      -> "": events of a deleted stream, still to be erased
};
inline constexpr std::array kParts = {Part::kTally, Part::kStream, Part::kRecent, Part::kName,
                                      Part::kEvent, Part::kIndex,  Part::kDoomed};

std::string group(const GroupKey& key);
// The beginning of all keys of a part of a group; its end is store::prefix_end of it.
std::string part(Part part, std::uint64_t group);

std::string stream(std::uint64_t group, std::string_view name);
std::string recent(std::uint64_t group, std::uint64_t last_time_ms, std::string_view name);
std::string name(std::uint64_t group, std::uint64_t stream);
std::string events(std::uint64_t group, std::uint64_t stream);
std::string event(std::uint64_t group, std::uint64_t stream, Position position);
std::string index(std::uint64_t group, Position position);
std::string doomed(std::uint64_t group, std::uint64_t stream);

// The position that an event's or an index entry's key ends with.
Position position_of(std::string_view key);
// What follows the part's beginning.
std::string_view after_part(std::string_view key);

}  // namespace journal::keys
