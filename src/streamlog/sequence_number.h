#pragma once

// SequenceNumber: a record's name within its stream, in AWS's form: a decimal number of 56 digits
// that grows within a shard, and from a shard to its children. Plain values.
//
// In hexadecimal, 47 digits:  2 | shard created, s: 9 | shard index, low digit: 1 | position: 16 |
// 00 | arrival, s: 9 | shard index: 8 | 2

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace streamlog {

// A record's place in its shard: the first has 1, the next 2, without gaps. 0 is before the first.
using Position = std::uint64_t;
inline constexpr Position kPositionMax = 0x7fff'ffff'ffff'ffff;  // of a closed shard's end

struct SequenceNumber {
  std::uint64_t shard_created_s = 0;
  std::uint32_t shard_index = 0;
  Position position = 0;
  std::uint64_t arrival_s = 0;

  std::string to_string() const;
  // nullopt: not a number of this form.
  static std::optional<SequenceNumber> parse(std::string_view decimal);

  bool operator==(const SequenceNumber&) const = default;
};

}  // namespace streamlog
