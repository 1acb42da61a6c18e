#pragma once

// Capture: one sequence of change records that a table keeps: a stream of DynamoDB Streams, the
// feed of its Kinesis destinations, or its history. Values; part of the table's definition and
// persisted with it (docs/formats/tables.md). The records themselves are kept by a ChangeSink
// (changes.h).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace tables {

struct Definition;

// What a record shows of an item, beside its key.
enum class View : std::uint8_t { kKeysOnly = 0, kNewImage = 1, kOldImage = 2, kBoth = 3 };

std::string_view name_of(View view);  // "NEW_AND_OLD_IMAGES"

struct Capture {
  // Among the table's captures, from 1; never used twice. 0: wanted, not made yet.
  std::uint16_t number = 0;
  View view = View::kBoth;
  std::uint8_t shards = 1;
  bool enabled = true;
  base::Timestamp created{};  // to the millisecond; no two captures of a table share it

  bool operator==(const Capture&) const = default;
};

// A Kinesis stream that a table's changes go to.
struct Destination {
  enum class State : std::uint8_t { kActive = 0, kDisabled = 1 };
  std::string stream_arn;
  State state = State::kActive;
  bool microseconds = false;  // how exact ApproximateCreationDateTime is
  bool precision_given = false;
};

// The name of a stream among its table's: when it was made, "2026-11-23T12:00:00.123".
std::string label_of(const Capture& capture);

// How many shards a new stream of the table has: one for each partition that AWS would begin with.
std::uint8_t initial_shards(const Definition& definition);

// Makes what is wanted (number 0): numbers, times, shards.
void make_captures(Definition& definition, base::Timestamp now);

std::string encode_capture(const Capture& capture);
Capture decode_capture(std::string_view bytes);
std::string encode_destination(const Destination& destination);
Destination decode_destination(std::string_view bytes);

}  // namespace tables
