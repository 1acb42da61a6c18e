#pragma once

// SequenceNumber: a record's name within its stream, in AWS's form: a decimal number of 56 digits
// that grows within a shard, and from a shard to its children. Plain values.
//
// In hexadecimal, 47 digits:  2 | shard created, s: 9 | shard index, low digit: 1 | position: 16 |
// 00 | arrival, s: 9 | shard index: 8 | 2
//
// The last digit is the version. Numbers of AWS's older versions are recognised, so that what is
// wrong with them can be told as AWS tells it; none of ours has one:
//   1:  2 | shard created: 9 | index, low digit: 1 | 00 | arrival: 9 | 14 any | 2 any | index: 8 |
//   1 0:  1 | shard created: 9 | 18 any | shard index: 4    (32 digits; a leading 1 may be missing)

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace streamlog {

// A record's place in its shard: the first has 1, the next 2, without gaps. 0 is before the first.
using Position = std::uint64_t;
inline constexpr Position kPositionMax = 0x7fff'ffff'ffff'ffff;  // of a closed shard's end

enum class SequenceVersion : std::uint8_t { kZero, kOne, kTwo };

struct SequenceNumber {
  std::uint64_t shard_created_s = 0;
  std::uint32_t shard_index = 0;
  Position position = 0;
  std::uint64_t arrival_s = 0;
  SequenceVersion version = SequenceVersion::kTwo;  // of the others, there is no position

  std::string to_string() const;  // of version 2
  // nullopt: not a number of these forms, or its shard's date lies beyond AWS's calendar.
  static std::optional<SequenceNumber> parse(std::string_view decimal);

  bool operator==(const SequenceNumber&) const = default;
};

}  // namespace streamlog
