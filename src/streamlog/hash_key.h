#pragma once

// HashKey: a point on the ring that decides a record's shard: the MD5 of its partition key, or the
// explicit hash key, as an unsigned 128-bit number. Plain values.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace streamlog {

// NOLINTNEXTLINE: the compiler's own 128-bit integer
using HashKey = unsigned __int128;
inline constexpr HashKey kHashKeyMax = ~static_cast<HashKey>(0);

HashKey hash_of(std::string_view partition_key);
std::string to_decimal(HashKey key);
// nullopt: not a decimal number, or 2^128 and more.
std::optional<HashKey> parse_hash_key(std::string_view decimal);

// Both ends inclusive.
struct HashRange {
  HashKey start = 0;
  HashKey end = kHashKeyMax;

  bool contains(HashKey key) const { return start <= key && key <= end; }
  bool operator==(const HashRange&) const = default;
};

// The whole ring in `count` ranges of equal size, as AWS cuts it (the last one takes the rest).
std::vector<HashRange> even_ranges(std::uint32_t count);

}  // namespace streamlog
