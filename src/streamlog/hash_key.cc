#include "streamlog/hash_key.h"

#include <algorithm>

#include "base/digest.h"
#include "base/encoding.h"

namespace streamlog {

HashKey hash_of(std::string_view partition_key) {
  const base::Md5 digest = base::md5_of(partition_key);
  return static_cast<HashKey>(base::read_u64(digest.view())) << 64U |
         base::read_u64(digest.view().substr(8));
}

std::string to_decimal(HashKey key) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(key % 10));
    key /= 10;
  } while (key != 0);
  std::ranges::reverse(digits);
  return digits;
}

std::optional<HashKey> parse_hash_key(std::string_view decimal) {
  if (decimal.empty()) return std::nullopt;
  HashKey key = 0;
  for (const char c : decimal) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<HashKey>(c - '0');
    if (key > (kHashKeyMax - digit) / 10) return std::nullopt;
    key = key * 10 + digit;
  }
  return key;
}

std::vector<HashRange> even_ranges(std::uint32_t count) {
  // 2^128 / count without a 129th bit.
  const HashKey width = kHashKeyMax / count + (kHashKeyMax % count + 1 == count ? 1 : 0);
  std::vector<HashRange> ranges(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    ranges[i].start = i == 0 ? 0 : width * i;
    ranges[i].end = i + 1 == count ? kHashKeyMax : width * (i + 1) - 1;
  }
  return ranges;
}

}  // namespace streamlog
