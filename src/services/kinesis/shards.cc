// ListShards, SplitShard, MergeShards, UpdateShardCount.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "api/kinesis/errors.h"
#include "services/kinesis/kinesis.h"
#include "services/kinesis/render.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
namespace json = boost::json;
using streamlog::ShardInfo;
using wire::Context;

constexpr std::chrono::minutes kTokenLife{5};

// Where the stream begins: with what is retained, or with its own first moment, when all of its
// first shards were there.
base::Timestamp horizon_of(const streamlog::StreamInfo& info, base::Timestamp now) {
  base::Timestamp horizon = now - std::chrono::hours(info.retention_hours);
  for (const ShardInfo& shard : info.shards)
    if (!shard.parent) horizon = std::max(horizon, shard.created);
  return horizon;
}

// Whether the filter lets the shard through. Times before the horizon mean the horizon.
bool passes(const k::ShardFilter& filter, const ShardInfo& shard, base::Timestamp horizon) {
  const std::string& type = *filter.type;
  if (type == "AFTER_SHARD_ID") return shard.id() > *filter.shard_id;
  if (type == "AT_LATEST") return shard.is_open();
  const base::Timestamp from = std::max(filter.timestamp.value_or(horizon), horizon);
  const bool closed_before = shard.closed && *shard.closed <= from;
  const bool at = type == "AT_TIMESTAMP" || type == "AT_TRIM_HORIZON";
  return !closed_before && (!at || shard.created <= from);
}

std::optional<api::Error> check_filter(const k::ShardFilter& filter) {
  const std::string& type = *filter.type;
  const bool needs_time = type == "AT_TIMESTAMP" || type == "FROM_TIMESTAMP";
  if (needs_time && !filter.timestamp)
    return k::invalid_argument("Timestamp must be specified for ShardFilter type " + type + ".");
  if (type == "AFTER_SHARD_ID" && !filter.shard_id)
    return k::invalid_argument("ShardId must be specified for ShardFilter type AFTER_SHARD_ID.");
  return std::nullopt;
}

struct Page {
  StreamKey key;
  std::string after;
};

// A NextToken names its stream and says where to go on.
api::Outcome<Page> page_of(const Deps& deps, const Context& context,
                           const k::ListShardsInput& input) {
  if (!input.next_token) {
    if (!input.stream_name && !input.stream_arn)
      return std::unexpected(
          k::invalid_argument("Either NextToken or StreamName should be provided."));
    auto key = key_of(context, input.stream_name, input.stream_arn);
    if (!key) return std::unexpected(key.error());
    return Page{*std::move(key), input.exclusive_start_shard_id.value_or("")};
  }
  if (input.stream_name)
    return std::unexpected(
        k::invalid_argument("NextToken and StreamName cannot be provided together."));
  const auto plain = deps.sealer.open(*input.next_token);
  if (!plain) return std::unexpected(k::invalid_argument("Invalid NextToken."));
  const json::value parts = json::parse(*plain);
  const auto made = base::from_epoch_ms(parts.at(4).to_number<std::int64_t>());
  if (deps.clock.now() - made > kTokenLife)
    return std::unexpected(k::expired_next_token("The NextToken has expired."));
  const auto text = [&](std::size_t i) { return std::string(parts.at(i).as_string()); };
  return Page{{text(0), text(1), text(2)}, text(3)};
}

Answer<k::ListShardsOutput> list_shards(const Deps& deps, const Context& context,
                                        k::ListShardsInput input) {
  const auto page = page_of(deps, context, input);
  if (!page) co_return std::unexpected(page.error());
  const auto stream = find_stream(deps, page->key);
  if (!stream) co_return std::unexpected(stream.error());
  if (input.shard_filter) {
    auto invalid = check_filter(*input.shard_filter);
    if (invalid) co_return std::unexpected(*std::move(invalid));
  }
  const auto& info = (*stream)->info;
  const base::Timestamp now = deps.clock.now();
  const base::Timestamp horizon = horizon_of(info, now);
  const auto limit = static_cast<std::size_t>(input.max_results.value_or(1000));
  k::ListShardsOutput output;
  auto& shards = output.shards.emplace();
  for (const ShardInfo& shard : info.shards) {
    if (shard.id() <= page->after) continue;
    if (input.shard_filter && !passes(*input.shard_filter, shard, horizon)) continue;
    if (shards.size() == limit) {
      output.next_token = deps.sealer.seal(
          json::serialize(json::array{info.key.account_id, info.key.region, info.key.name,
                                      *shards.back().shard_id, base::to_epoch_ms(now)}));
      break;
    }
    shards.push_back(render_shard(shard));
  }
  co_return output;
}

// On-demand streams have the shards that they have (API reference: ValidationException).
std::optional<api::Error> refuse_on_demand(const StreamPtr& stream, std::string_view operation) {
  const auto& info = stream->info;
  if (!info.on_demand) return std::nullopt;
  return k::validation(fmt::format(
      "{} is only supported for streams in PROVISIONED mode. Stream {} under account {} is in "
      "ON_DEMAND mode.",
      operation, info.key.name, info.key.account_id));
}

api::Error no_shard(std::string_view id, const StreamKey& key) {
  return k::resource_not_found(fmt::format("Could not find shard {} in stream {} under account {}.",
                                           id, key.name, key.account_id));
}

// AWS reads the ids before it looks for the stream.
api::Outcome<std::uint32_t> index_of(const StreamKey& key, const std::string& id) {
  const auto index = streamlog::parse_shard_id(id);
  if (!index) return std::unexpected(no_shard(id, key));
  return *index;
}

api::Outcome<const ShardInfo*> shard_at(const StreamPtr& stream, std::uint32_t index) {
  const ShardInfo* const shard = stream->info.find_shard(index);
  if (shard == nullptr)
    return std::unexpected(no_shard(streamlog::shard_id(index), stream->info.key));
  return shard;
}

Answer<k::SplitShardOutput> split_shard(const Deps& deps, const Context& context,
                                        k::SplitShardInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto index = index_of(*key, *input.shard_to_split);
  if (!index) co_return std::unexpected(index.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  auto automatic = refuse_on_demand(*stream, "SplitShard");
  if (automatic) co_return std::unexpected(*std::move(automatic));
  const auto shard = shard_at(*stream, *index);
  if (!shard) co_return std::unexpected(shard.error());
  auto over = shard_limit_error(deps, context, 1);
  if (over) co_return std::unexpected(*std::move(over));
  const auto hash = streamlog::parse_hash_key(*input.new_starting_hash_key);
  const auto& range = (*shard)->range;
  if (!hash || *hash <= range.start + 1 || *hash >= range.end)
    co_return std::unexpected(k::invalid_argument(fmt::format(
        "NewStartingHashKey {} used in SplitShard() on shard {} in stream {} under account {} is "
        "not "
        "both greater than one plus the shard's StartingHashKey {} and less than the shard's "
        "EndingHashKey {}.",
        *input.new_starting_hash_key, (*shard)->id(), key->name, key->account_id,
        streamlog::to_decimal(range.start), streamlog::to_decimal(range.end))));
  const auto done = co_await deps.streams.split(*key, (*shard)->index, *hash);
  if (!done) co_return std::unexpected(to_api_error(done.error(), *key));
  co_return k::SplitShardOutput();
}

Answer<k::MergeShardsOutput> merge_shards(const Deps& deps, const Context& context,
                                          k::MergeShardsInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto first = index_of(*key, *input.shard_to_merge);
  if (!first) co_return std::unexpected(first.error());
  const auto second = index_of(*key, *input.adjacent_shard_to_merge);
  if (!second) co_return std::unexpected(second.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  auto automatic = refuse_on_demand(*stream, "MergeShards");
  if (automatic) co_return std::unexpected(*std::move(automatic));
  const auto one = shard_at(*stream, *first);
  if (!one) co_return std::unexpected(one.error());
  const auto other = shard_at(*stream, *second);
  if (!other) co_return std::unexpected(other.error());
  const auto done = co_await deps.streams.merge(*key, (*one)->index, (*other)->index);
  if (!done && done.error().code == base::ErrorCode::kInvalidArgument)
    co_return std::unexpected(
        k::invalid_argument(fmt::format("Shards {} and {} in stream {} under account {} are not an "
                                        "adjacent pair of shards eligible "
                                        "for merging",
                                        (*one)->id(), (*other)->id(), key->name, key->account_id)));
  if (!done) co_return std::unexpected(to_api_error(done.error(), *key));
  co_return k::MergeShardsOutput();
}

Answer<k::UpdateShardCountOutput> update_shard_count(const Deps& deps, const Context& context,
                                                     k::UpdateShardCountInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  auto automatic = refuse_on_demand(*stream, "UpdateShardCount");
  if (automatic) co_return std::unexpected(*std::move(automatic));
  const std::uint32_t current = (*stream)->info.open_shards();
  const auto target = static_cast<std::uint32_t>(*input.target_shard_count);
  if (target > current * 2)
    co_return std::unexpected(k::invalid_argument(fmt::format(
        "UpdateShardCount cannot scale up over double your current open shard count. Current open "
        "shard count: {} Target shard count: {}",
        current, target)));
  if (target * 2 < current)
    co_return std::unexpected(k::invalid_argument(fmt::format(
        "UpdateShardCount cannot scale down below half your current open shard count. Current open "
        "shard count: {} Target shard count: {}",
        current, target)));
  if (target > current) {
    auto over = shard_limit_error(deps, context, target - current);
    if (over) co_return std::unexpected(*std::move(over));
  }
  const auto done = co_await deps.streams.reshard(*key, target);
  if (!done) co_return std::unexpected(to_api_error(done.error(), *key));
  k::UpdateShardCountOutput output;
  output.stream_name = key->name;
  output.stream_arn = key->arn();
  output.current_shard_count = static_cast<std::int32_t>(current);
  output.target_shard_count = static_cast<std::int32_t>(target);
  co_return output;
}

}  // namespace

void register_shards(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::ListShards>(
      [&deps](const Context& context, const auto& input) -> api::Outcome<wire::Checks> {
        const auto page = page_of(deps, context, input);
        if (!page) return std::unexpected(page.error());
        return wire::Checks{stream_check(deps, "kinesis:ListShards", page->key)};
      },
      [&deps](const Context& context, auto input) {
        return list_shards(deps, context, std::move(input));
      });
  registry.add<k::op::SplitShard>(on_stream<k::SplitShardInput>(deps, "kinesis:SplitShard"),
                                  [&deps](const Context& context, auto input) {
                                    return split_shard(deps, context, std::move(input));
                                  });
  registry.add<k::op::MergeShards>(on_stream<k::MergeShardsInput>(deps, "kinesis:MergeShards"),
                                   [&deps](const Context& context, auto input) {
                                     return merge_shards(deps, context, std::move(input));
                                   });
  registry.add<k::op::UpdateShardCount>(
      on_stream<k::UpdateShardCountInput>(deps, "kinesis:UpdateShardCount"),
      [&deps](const Context& context, auto input) {
        return update_shard_count(deps, context, std::move(input));
      });
}

}  // namespace services::kinesis
