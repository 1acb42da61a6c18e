#include "streamlog/stream_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace streamlog {
namespace {

std::uint64_t seconds_of(base::Timestamp time) {
  return static_cast<std::uint64_t>(base::to_epoch_ms(time) / 1000);
}

}  // namespace

std::string StreamKey::arn() const {
  constexpr std::string_view kStart = "arn:aws:kinesis:";
  constexpr std::string_view kMiddle = ":stream/";
  std::string arn;
  arn.reserve(kStart.size() + region.size() + 1 + account_id.size() + kMiddle.size() + name.size());
  arn.append(kStart).append(region).append(":").append(account_id).append(kMiddle).append(name);
  return arn;
}

// AWS counts with 32-bit integers that have a sign: 2^31 is "shardId--02147483648".
std::string shard_id(std::uint32_t index) {
  auto number = static_cast<std::int32_t>(index);
  if (number < 0) return fmt::format("shardId-{:012}", number);
  std::string id = "shardId-000000000000";
  for (std::size_t at = id.size(); number > 0; number /= 10)
    id[--at] = static_cast<char>('0' + number % 10);
  return id;
}

std::optional<std::uint32_t> parse_shard_id(std::string_view id) {
  const std::size_t hyphen = id.find('-');
  if (hyphen != std::string_view::npos) {
    const std::string_view rest = id.substr(hyphen + 1);
    const std::string_view number = rest.substr(0, rest.find('-'));
    if (!number.empty()) id = number;
  }
  std::uint32_t index = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), index);
  if (id.empty() || error != std::errc() || end != id.data() + id.size()) return std::nullopt;
  if (index > kShardIndexMax) return std::nullopt;
  return index;
}

std::string ShardInfo::id() const { return shard_id(index); }

SequenceNumber ShardInfo::number(Position position, base::Timestamp arrival) const {
  return {.shard_created_s = seconds_of(created),
          .shard_index = index,
          .position = position,
          .arrival_s = seconds_of(arrival)};
}

SequenceNumber ShardInfo::start() const { return number(0, created); }
SequenceNumber ShardInfo::end() const { return number(kPositionMax, closed.value_or(created)); }

const ShardInfo* StreamInfo::find_shard(std::uint32_t index) const {
  const auto found = std::ranges::lower_bound(shards, index, {}, &ShardInfo::index);
  return found != shards.end() && found->index == index ? &*found : nullptr;
}

const ShardInfo& StreamInfo::owner_of(HashKey hash) const {
  const auto found = std::ranges::find_if(
      shards, [hash](const ShardInfo& s) { return s.is_open() && s.range.contains(hash); });
  CHECK(found != shards.end());  // the open shards cover the ring
  return *found;
}

std::uint32_t StreamInfo::open_shards() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(shards, &ShardInfo::is_open));
}

}  // namespace streamlog
