#pragma once

// Domain values as the API's structures. Pure.

#include "services/kinesis/kinesis.h"

namespace services::kinesis {

api::kinesis::Shard render_shard(const streamlog::ShardInfo& shard);
api::kinesis::ChildShard render_child(const streamlog::ShardInfo& shard);
// The shards that a closed one went over into.
std::vector<api::kinesis::ChildShard> render_children(const streamlog::StreamInfo& stream,
                                                      std::uint32_t shard);
std::vector<api::kinesis::Record> render_records(std::vector<streamlog::Record> records,
                                                 const streamlog::ShardInfo& shard, bool encrypted);
api::kinesis::HashKeyRange render_range(const streamlog::HashRange& range);
api::kinesis::StreamModeDetails render_mode(const streamlog::StreamInfo& stream);
// There is nothing to scale here, so a stream is as warm as it is told to be.
std::optional<api::kinesis::WarmThroughputObject> render_warm_throughput(
    const streamlog::StreamInfo& stream);

// What DescribeStream and DescribeStreamSummary have in common.
template <class Description>
void fill_description(Description& out, const streamlog::StreamInfo& stream) {
  out.stream_name = stream.key.name;
  out.stream_arn = stream.key.arn();
  out.stream_status = status_name(stream.status);
  out.stream_mode_details = render_mode(stream);
  out.retention_period_hours = static_cast<std::int32_t>(stream.retention_hours);
  out.stream_creation_timestamp = stream.created;
  out.encryption_type = stream.encryption_key.empty() ? "NONE" : "KMS";
  if (!stream.encryption_key.empty()) out.key_id = stream.encryption_key;
  auto& metrics = out.enhanced_monitoring.emplace().emplace_back();
  metrics.shard_level_metrics = stream.shard_metrics;
}

std::optional<std::uint32_t> warm_mib(const std::optional<std::int32_t>& asked);
// InvalidArgumentException where warm throughput is asked for and cannot be: a provisioned stream,
// an account without the commitment. LimitExceededException above 10 GiB/s.
std::optional<api::Error> check_warm_throughput(const Deps& deps, const StreamKey& key,
                                                bool on_demand,
                                                const std::optional<std::int32_t>& asked);

// LimitExceededException when `more` shards would pass the account's limit.
std::optional<api::Error> shard_limit_error(const Deps& deps, const wire::Context& context,
                                            std::uint32_t more);
std::optional<api::Error> shard_limit_error(const Deps& deps, const wire::Context& context,
                                            std::uint32_t open, std::uint32_t more);

}  // namespace services::kinesis
