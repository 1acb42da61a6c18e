#include "wire/java_order.h"

#include <cstdint>
#include <ranges>

namespace wire {
namespace {

constexpr std::uint32_t kEnumBuckets = 32;
constexpr std::uint32_t kTableMin = 16;

// String.hashCode(); all names are ASCII.
std::uint32_t java_hash(std::string_view text) {
  std::uint32_t hash = 0;
  for (const char c : text) hash = hash * 31 + static_cast<unsigned char>(c);
  return hash;
}

std::uint32_t spread(std::uint32_t hash, bool java7) {
  if (!java7) return hash ^ (hash >> 16U);
  hash ^= (hash >> 20U) ^ (hash >> 12U);
  return hash ^ (hash >> 7U) ^ (hash >> 4U);
}

// A HashMap doubles when it is three quarters full.
std::uint32_t table_size(std::size_t entries) {
  std::uint32_t size = kTableMin;
  while (entries > size / 4 * 3) size *= 2;
  return size;
}

}  // namespace

std::string lower_first(std::string_view name) {
  std::string out(name);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] + 32);
  return out;
}

std::vector<std::string_view> enum_order(std::span<const std::string_view> values) {
  std::vector<std::string_view> ordered;
  ordered.reserve(values.size());
  for (std::uint32_t bucket = 0; bucket < kEnumBuckets; ++bucket)
    for (const std::string_view value : std::views::reverse(values))
      if (java_hash(value) % kEnumBuckets == bucket) ordered.push_back(value);
  return ordered;
}

std::vector<const api::Member*> member_order(std::span<const api::Member> members, bool java7) {
  const std::uint32_t size = table_size(members.size());
  std::vector<std::uint32_t> buckets;
  for (const api::Member& member : members)
    buckets.push_back(spread(java_hash(lower_first(member.name)), java7) & (size - 1));
  std::vector<const api::Member*> ordered;
  ordered.reserve(members.size());
  for (std::uint32_t bucket = 0; bucket < size; ++bucket)
    for (std::size_t i = 0; i < members.size(); ++i) {
      // Java 7 put a newcomer in front of its bucket, Java 8 behind it.
      const std::size_t at = java7 ? members.size() - 1 - i : i;
      if (buckets[at] == bucket) ordered.push_back(&members[at]);
    }
  return ordered;
}

}  // namespace wire
