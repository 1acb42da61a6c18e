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

std::vector<k::ChildShard> render_children(const streamlog::StreamInfo& stream,
                                           std::uint32_t shard) {
  std::vector<k::ChildShard> children;
  for (const auto& other : stream.shards)
    if (other.parent == shard || other.adjacent_parent == shard)
      children.push_back(render_child(other));
  return children;
}

std::vector<k::Record> render_records(std::vector<streamlog::Record> records,
                                      const streamlog::ShardInfo& shard, bool encrypted) {
  std::vector<k::Record> out;
  out.reserve(records.size());
  for (streamlog::Record& record : records) {
    k::Record& made = out.emplace_back();
    made.sequence_number = shard.number(record.position, record.arrival).to_string();
    made.approximate_arrival_timestamp = record.arrival;
    made.partition_key = std::move(record.partition_key);
    made.data = std::move(record.data);
    if (encrypted) made.encryption_type = "KMS";
  }
  return out;
}

std::optional<k::WarmThroughputObject> render_warm_throughput(const streamlog::StreamInfo& stream) {
  if (!stream.warm_mib) return std::nullopt;
  const auto mib = static_cast<std::int32_t>(*stream.warm_mib);
  return k::WarmThroughputObject{.target_mi_bps = mib, .current_mi_bps = mib};
}

k::StreamModeDetails render_mode(const streamlog::StreamInfo& stream) {
  k::StreamModeDetails mode;
  mode.stream_mode = stream.on_demand ? "ON_DEMAND" : "PROVISIONED";
  return mode;
}

}  // namespace services::kinesis
