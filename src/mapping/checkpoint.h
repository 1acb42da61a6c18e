#pragma once

// How far a mapping has come in a shard, and what it has to remember between two calls of its
// function (docs/formats/mapping.md). Plain values.
//
// A shard's records go to lanes by their partition keys, so that what shares a key shares a lane;
// each lane has its own position. Where the number of lanes changes, the positions of before are
// kept until every lane has passed them: they say which records were done already.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mapping/ports.h"

namespace mapping {

inline constexpr std::size_t kEarlierMax = 4;  // then records may come again

// A tumbling window that has records.
struct OpenWindow {
  base::Timestamp start;
  std::string state = "{}";  // JSON

  bool operator==(const OpenWindow&) const = default;
};

struct Checkpoint {
  std::vector<Position> lanes;                 // the next position to process
  std::vector<std::vector<Position>> earlier;  // of other numbers of lanes, oldest first
  std::optional<OpenWindow> window;

  // Every lane at `position`.
  static Checkpoint at(Position position, std::size_t lanes);
  Position lowest() const;
  void set_lanes(std::size_t count);
  void advance(std::size_t lane, Position next);
  // Lane `lane` has this record to process.
  bool wants(std::size_t lane, Position position, std::string_view partition_key) const;

  bool operator==(const Checkpoint&) const = default;
};

// Stable for ever: it is part of the format.
std::size_t lane_of(std::string_view partition_key, std::size_t lanes);

std::string encode(const Checkpoint& checkpoint);
// kCorruption for what encode() never wrote.
base::Result<Checkpoint> decode_checkpoint(std::string_view bytes);

}  // namespace mapping
