#include "services/kinesis/render.h"

namespace services::kinesis {

namespace k = api::kinesis;

k::HashKeyRange render_range(const streamlog::HashRange& range) {
  k::HashKeyRange out;
  out.starting_hash_key = streamlog::to_decimal(range.start);
  out.ending_hash_key = streamlog::to_decimal(range.end);
  return out;
}

k::Shard render_shard(const streamlog::ShardInfo& shard) {
  k::Shard out;
  out.shard_id = shard.id();
  if (shard.parent) out.parent_shard_id = streamlog::shard_id(*shard.parent);
  if (shard.adjacent_parent)
    out.adjacent_parent_shard_id = streamlog::shard_id(*shard.adjacent_parent);
  out.hash_key_range = render_range(shard.range);
  auto& numbers = out.sequence_number_range.emplace();
  numbers.starting_sequence_number = shard.start().to_string();
  if (!shard.is_open()) numbers.ending_sequence_number = shard.end().to_string();
  return out;
}

k::ChildShard render_child(const streamlog::ShardInfo& shard) {
  k::ChildShard out;
  out.shard_id = shard.id();
  auto& parents = out.parent_shards.emplace();
  if (shard.parent) parents.push_back(streamlog::shard_id(*shard.parent));
  if (shard.adjacent_parent) parents.push_back(streamlog::shard_id(*shard.adjacent_parent));
  out.hash_key_range = render_range(shard.range);
  return out;
}

k::StreamModeDetails render_mode(const streamlog::StreamInfo& stream) {
  k::StreamModeDetails mode;
  mode.stream_mode = stream.on_demand ? "ON_DEMAND" : "PROVISIONED";
  return mode;
}

}  // namespace services::kinesis
