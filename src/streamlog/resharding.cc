// Splits, merges and uniform scaling: how shards give way to their children.
#include <algorithm>

#include "streamlog/stream_log.h"

namespace streamlog {
namespace {

auto refused(std::string why) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(why));
}

}  // namespace

async::Task<base::Result<StreamPtr>> StreamLog::split(StreamKey key, std::uint32_t shard,
                                                      HashKey at) {
  const StreamPtr stream = find(key);
  const ShardInfo* const parent = stream ? stream->info.find_shard(shard) : nullptr;
  if (parent == nullptr)
    co_return base::error(base::ErrorCode::kNotFound, "no shard " + shard_id(shard));
  if (at <= parent->range.start + 1 || at >= parent->range.end)
    co_return refused("the new starting hash key lies outside the shard");
  std::vector<std::uint32_t> parents{shard};
  std::vector<HashRange> children{{parent->range.start, at - 1}, {at, parent->range.end}};
  auto done = co_await async::run_on(
      control_, replace_shards(std::move(key), std::move(parents), std::move(children)));
  co_return done;
}

async::Task<base::Result<StreamPtr>> StreamLog::merge(StreamKey key, std::uint32_t shard,
                                                      std::uint32_t adjacent) {
  const StreamPtr stream = find(key);
  const ShardInfo* const one = stream ? stream->info.find_shard(shard) : nullptr;
  const ShardInfo* const other = stream ? stream->info.find_shard(adjacent) : nullptr;
  if (one == nullptr || other == nullptr)
    co_return base::error(base::ErrorCode::kNotFound, "no such shard");
  const bool touches = one->range.end < kHashKeyMax && one->range.end + 1 == other->range.start;
  if (!touches) co_return refused("the shards are not adjacent, in this order");
  std::vector<std::uint32_t> parents{shard, adjacent};
  std::vector<HashRange> children{{one->range.start, other->range.end}};
  auto done = co_await async::run_on(
      control_, replace_shards(std::move(key), std::move(parents), std::move(children)));
  co_return done;
}

async::Task<base::Result<StreamPtr>> StreamLog::replace_shards(StreamKey key,
                                                               std::vector<std::uint32_t> parents,
                                                               std::vector<HashRange> children) {
  const auto lock = co_await changing_.lock();
  const StreamPtr stream = find(key);
  if (!stream) co_return base::error(base::ErrorCode::kNotFound, "no stream " + key.arn());
  auto done = co_await replace_shards_locked(stream, std::move(parents), std::move(children));
  co_return done;
}

// Closes the parents, then persists closing and children in one batch. Should that fail, or the
// server die between, the parents are open as before.
async::Task<base::Result<StreamPtr>> StreamLog::replace_shards_locked(
    const StreamPtr& stream, std::vector<std::uint32_t> parents, std::vector<HashRange> children) {
  StreamInfo info = stream->info;
  for (const std::uint32_t index : parents) {
    const ShardInfo* const parent = info.find_shard(index);
    if (parent == nullptr || !parent->is_open())
      co_return base::error(base::ErrorCode::kConflict, "shard " + shard_id(index) + " is closed");
  }
  for (const std::uint32_t index : parents) {
    const auto last = co_await stream->shard(index)->close();
    if (!last) co_return std::unexpected(last.error());
    auto parent = std::ranges::find(info.shards, index, &ShardInfo::index);
    parent->last = *last;
  }
  // A child's sequence numbers are above its parents': their shard was created in a later second.
  // The parents are said to have closed then, so that at no time a part of the ring has no shard.
  base::Timestamp created = clock_.now();
  for (const std::uint32_t index : parents)
    created = std::max(created, info.find_shard(index)->created + std::chrono::seconds(1));
  for (const std::uint32_t index : parents)
    std::ranges::find(info.shards, index, &ShardInfo::index)->closed = created;
  std::uint32_t next = info.shards.back().index + 1;
  for (const HashRange range : children) {
    ShardInfo child = new_shard(next++, range);
    child.created = created;
    child.parent = parents.front();
    if (parents.size() > 1) child.adjacent_parent = parents.back();
    info.shards.push_back(child);
  }
  auto saved = co_await persist(std::move(info), stream);
  if (!saved)
    for (const std::uint32_t index : parents) stream->shard(index)->reopen();
  co_return saved;
}

async::Task<base::Result<StreamPtr>> StreamLog::reshard(StreamKey key, std::uint32_t target) {
  return async::run_on(control_, reshard_here(std::move(key), target));
}

// Every cut that the even ranges need is made by splitting, then what lies within one target range
// is merged pairwise. Each step is durable and leaves a whole ring.
async::Task<base::Result<StreamPtr>> StreamLog::reshard_here(StreamKey key, std::uint32_t target) {
  const auto lock = co_await changing_.lock();
  StreamPtr stream = find(key);
  if (!stream) co_return base::error(base::ErrorCode::kNotFound, "no stream " + key.arn());
  for (const HashRange range : even_ranges(target)) {
    if (range.start == 0) continue;
    const ShardInfo& owner = stream->info.owner_of(range.start);
    if (owner.range.start == range.start) continue;
    std::vector<std::uint32_t> parents{owner.index};
    std::vector<HashRange> children{{owner.range.start, range.start - 1},
                                    {range.start, owner.range.end}};
    const auto cut =
        co_await replace_shards_locked(stream, std::move(parents), std::move(children));
    if (!cut) co_return std::unexpected(cut.error());
    stream = *cut;
  }
  for (const HashRange range : even_ranges(target)) {
    for (;;) {
      const ShardInfo left = stream->info.owner_of(range.start);
      if (left.range.end >= range.end) break;
      const ShardInfo right = stream->info.owner_of(left.range.end + 1);
      std::vector<std::uint32_t> parents{left.index, right.index};
      std::vector<HashRange> children{{left.range.start, right.range.end}};
      const auto joined =
          co_await replace_shards_locked(stream, std::move(parents), std::move(children));
      if (!joined) co_return std::unexpected(joined.error());
      stream = *joined;
    }
  }
  co_return stream;
}

}  // namespace streamlog
