#pragma once

// Events of a log stream, and what is known of a stream. Values; their stored forms are described
// in docs/formats/logs.md.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace journal {

// Where an event stands: by time, and among events of one time in the order they came. `order`
// counts the events of a group. As a boundary, a Position stands just before that event.
struct Position {
  std::uint64_t time_ms = 0;
  std::uint64_t order = 0;

  auto operator<=>(const Position&) const = default;
  Position next() const { return after(1); }
  // Behind `count` events of this time.
  Position after(std::uint64_t count) const { return {time_ms, order + count}; }
};

// [from, to).
struct Range {
  Position from;
  Position to{UINT64_MAX, UINT64_MAX};
};

struct NewEvent {
  std::uint64_t time_ms = 0;
  std::string message;
};

struct Event {
  Position position;
  base::Timestamp ingested;
  std::string message;

  bool operator==(const Event&) const = default;
};

struct StreamInfo {
  std::uint64_t id = 0;  // never used twice
  std::string name;      // stored in the key
  base::Timestamp created;
  std::uint64_t stored_bytes = 0;
  // Of the last event that came; 0: none ever did.
  std::uint64_t last_order = 0;
  base::Timestamp last_ingested;
  // Times of the oldest and the newest event. They stay when all events have expired.
  std::uint64_t first_time_ms = 0;
  std::uint64_t last_time_ms = 0;

  bool had_events() const { return last_order != 0; }
  bool operator==(const StreamInfo&) const = default;
};

// What AWS counts for an event beyond its message.
inline constexpr std::size_t kEventOverhead = 26;

std::string encode_stream(const StreamInfo& stream);
base::Result<StreamInfo> decode_stream(std::string name, std::string_view bytes);

}  // namespace journal
