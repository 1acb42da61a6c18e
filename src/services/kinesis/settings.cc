// What can be changed on a stream: retention, encryption, monitoring, mode, record size, warm
// throughput.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/kinesis/errors.h"
#include "services/kinesis/kinesis.h"
#include "services/kinesis/render.h"

namespace services::kinesis {
namespace {

namespace k = api::kinesis;
using streamlog::StreamInfo;
using wire::Context;

constexpr std::array kShardMetrics = {"IncomingBytes",
                                      "IncomingRecords",
                                      "OutgoingBytes",
                                      "OutgoingRecords",
                                      "WriteProvisionedThroughputExceeded",
                                      "ReadProvisionedThroughputExceeded",
                                      "IteratorAgeMilliseconds"};

constexpr std::int32_t kWarmMibMax = 10 * 1024;
constexpr std::string_view kOnlyOnDemand =
    "Warm throughput is only supported for data streams with the on-demand capacity mode.";

async::Task<api::Outcome<StreamPtr>> change(const Deps& deps, StreamKey key,
                                            std::function<base::Status(StreamInfo&)> how) {
  auto done = co_await deps.streams.update(key, std::move(how));
  if (!done) co_return std::unexpected(to_api_error(done.error(), key));
  co_return *std::move(done);
}

auto refuse(std::string why) {
  return base::error(base::ErrorCode::kInvalidArgument, std::move(why));
}

// Retention may only move in the operation's own direction.
template <class Output, class Input>
Answer<Output> change_retention(const Deps& deps, const Context& context, Input input, bool up) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto hours = *input.retention_period_hours;
  if (hours < 24)
    co_return std::unexpected(
        k::invalid_argument(fmt::format("Minimum allowed retention period is 24 hours. Requested "
                                        "retention period ({} hours) is too "
                                        "short.",
                                        hours)));
  if (hours > 8760)
    co_return std::unexpected(
        k::invalid_argument(fmt::format("Maximum allowed retention period is 8760 hours. Requested "
                                        "retention period ({} hours) is too "
                                        "long.",
                                        hours)));
  const auto set = [hours, up](StreamInfo& info) -> base::Status {
    const auto wanted = static_cast<std::uint32_t>(hours);
    const bool wrong = up ? wanted < info.retention_hours : wanted > info.retention_hours;
    if (wrong)
      return refuse(
          fmt::format("Requested retention period ({} hours) for stream {} can not be {} than "
                      "existing retention "
                      "period ({} hours). Use {}RetentionPeriod API.",
                      wanted, info.key.name, up ? "shorter" : "longer", info.retention_hours,
                      up ? "Decrease" : "Increase"));
    info.retention_hours = wanted;
    return {};
  };
  const auto done = co_await change(deps, *key, set);
  if (!done) co_return std::unexpected(done.error());
  co_return Output();
}

template <class Output, class Input>
Answer<Output> change_encryption(const Deps& deps, const Context& context, Input input, bool on) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto set = [on, id = *input.key_id](StreamInfo& info) -> base::Status {
    info.encryption_key = on ? id : std::string();
    return {};
  };
  const auto done = co_await change(deps, *key, set);
  if (!done) co_return std::unexpected(done.error());
  co_return Output();
}

std::set<std::string> metric_set(const std::vector<std::string>& names) {
  if (std::ranges::find(names, "ALL") != names.end())
    return {kShardMetrics.begin(), kShardMetrics.end()};
  return {names.begin(), names.end()};
}

template <class Input>
Answer<k::EnhancedMonitoringOutput> change_monitoring(const Deps& deps, const Context& context,
                                                      Input input, bool on) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto before = find_stream(deps, *key);
  if (!before) co_return std::unexpected(before.error());
  const auto set =
      [on, names = metric_set(*input.shard_level_metrics)](StreamInfo& info) -> base::Status {
    std::set<std::string> all(info.shard_metrics.begin(), info.shard_metrics.end());
    for (const auto& name : names) {
      if (on) all.insert(name);
      else all.erase(name);
    }
    info.shard_metrics.assign(all.begin(), all.end());
    return {};
  };
  const auto done = co_await change(deps, *key, set);
  if (!done) co_return std::unexpected(done.error());
  k::EnhancedMonitoringOutput output;
  output.stream_name = key->name;
  output.stream_arn = key->arn();
  output.current_shard_level_metrics = (*before)->info.shard_metrics;
  output.desired_shard_level_metrics = (*done)->info.shard_metrics;
  co_return output;
}

Answer<k::UpdateStreamModeOutput> update_mode(const Deps& deps, const Context& context,
                                              k::UpdateStreamModeInput input) {
  const auto key = key_of(context, std::nullopt, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const bool on_demand = input.stream_mode_details->stream_mode == "ON_DEMAND";
  auto cold = check_warm_throughput(deps, *key, on_demand, input.warm_throughput_mi_bps);
  if (cold) co_return std::unexpected(*std::move(cold));
  const auto warm = warm_mib(input.warm_throughput_mi_bps);
  const auto set = [on_demand, warm](StreamInfo& info) -> base::Status {
    info.on_demand = on_demand;
    if (warm || !on_demand) info.warm_mib = warm;
    return {};
  };
  const auto done = co_await change(deps, *key, set);
  if (!done) co_return std::unexpected(done.error());
  co_return k::UpdateStreamModeOutput();
}

Answer<k::UpdateMaxRecordSizeOutput> update_record_size(const Deps& deps, const Context& context,
                                                        k::UpdateMaxRecordSizeInput input) {
  const auto key = key_of(context, std::nullopt, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto kib = static_cast<std::uint32_t>(*input.max_record_size_in_ki_b);
  const auto done = co_await change(deps, *key, [kib](StreamInfo& info) -> base::Status {
    info.record_kib_max = kib;
    return {};
  });
  if (!done) co_return std::unexpected(done.error());
  co_return k::UpdateMaxRecordSizeOutput();
}

Answer<k::UpdateStreamWarmThroughputOutput> update_warm_throughput(
    const Deps& deps, const Context& context, k::UpdateStreamWarmThroughputInput input) {
  const auto key = key_of(context, input.stream_name, input.stream_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  auto cold =
      check_warm_throughput(deps, *key, (*stream)->info.on_demand, input.warm_throughput_mi_bps);
  if (cold) co_return std::unexpected(*std::move(cold));
  const auto set = [warm = warm_mib(input.warm_throughput_mi_bps)](StreamInfo& info) {
    if (!info.on_demand) return base::Status(refuse(std::string(kOnlyOnDemand)));
    info.warm_mib = warm;
    return base::Status();
  };
  const auto done = co_await change(deps, *key, set);
  if (!done) co_return std::unexpected(done.error());
  k::UpdateStreamWarmThroughputOutput output;
  output.stream_name = key->name;
  output.stream_arn = key->arn();
  output.warm_throughput = render_warm_throughput((*done)->info);
  co_return output;
}

}  // namespace

std::optional<std::uint32_t> warm_mib(const std::optional<std::int32_t>& asked) {
  if (!asked) return std::nullopt;
  return static_cast<std::uint32_t>(*asked);
}

std::optional<api::Error> check_warm_throughput(const Deps& deps, const StreamKey& key,
                                                bool on_demand,
                                                const std::optional<std::int32_t>& asked) {
  if (!asked) return std::nullopt;
  if (!on_demand) return k::invalid_argument(std::string(kOnlyOnDemand));
  const auto commitment = deps.streams.accounts().commitment(key.account_id, key.region);
  if (!commitment.is_running(deps.clock.now()))
    return k::invalid_argument(
        fmt::format("Warm throughput needs MinimumThroughputBillingCommitment, which is not "
                    "enabled for account {} in {}.",
                    key.account_id, key.region));
  if (*asked <= kWarmMibMax) return std::nullopt;
  return k::limit_exceeded(
      fmt::format("Requested warm throughput ({} MiB/s) for stream {} is above the limit of {}.",
                  *asked, key.name, kWarmMibMax));
}

void register_settings(wire::Registry& registry, const Deps& deps) {
  using Longer = k::IncreaseStreamRetentionPeriodInput;
  using Shorter = k::DecreaseStreamRetentionPeriodInput;
  registry.add<k::op::IncreaseStreamRetentionPeriod>(
      on_stream<Longer>(deps, "kinesis:IncreaseStreamRetentionPeriod"),
      [&deps](const Context& context, Longer in) {
        return change_retention<k::IncreaseStreamRetentionPeriodOutput>(deps, context,
                                                                        std::move(in), true);
      });
  registry.add<k::op::DecreaseStreamRetentionPeriod>(
      on_stream<Shorter>(deps, "kinesis:DecreaseStreamRetentionPeriod"),
      [&deps](const Context& context, Shorter in) {
        return change_retention<k::DecreaseStreamRetentionPeriodOutput>(deps, context,
                                                                        std::move(in), false);
      });
  registry.add<k::op::StartStreamEncryption>(
      on_stream<k::StartStreamEncryptionInput>(deps, "kinesis:StartStreamEncryption"),
      [&deps](const Context& context, auto in) {
        return change_encryption<k::StartStreamEncryptionOutput>(deps, context, std::move(in),
                                                                 true);
      });
  registry.add<k::op::StopStreamEncryption>(
      on_stream<k::StopStreamEncryptionInput>(deps, "kinesis:StopStreamEncryption"),
      [&deps](const Context& context, auto in) {
        return change_encryption<k::StopStreamEncryptionOutput>(deps, context, std::move(in),
                                                                false);
      });
  registry.add<k::op::EnableEnhancedMonitoring>(
      on_stream<k::EnableEnhancedMonitoringInput>(deps, "kinesis:EnableEnhancedMonitoring"),
      [&deps](const Context& context, auto in) {
        return change_monitoring(deps, context, std::move(in), true);
      });
  registry.add<k::op::DisableEnhancedMonitoring>(
      on_stream<k::DisableEnhancedMonitoringInput>(deps, "kinesis:DisableEnhancedMonitoring"),
      [&deps](const Context& context, auto in) {
        return change_monitoring(deps, context, std::move(in), false);
      });
  registry.add<k::op::UpdateStreamMode>(
      on_stream<k::UpdateStreamModeInput>(deps, "kinesis:UpdateStreamMode"),
      [&deps](const Context& context, auto in) {
        return update_mode(deps, context, std::move(in));
      });
  registry.add<k::op::UpdateMaxRecordSize>(
      on_stream<k::UpdateMaxRecordSizeInput>(deps, "kinesis:UpdateMaxRecordSize"),
      [&deps](const Context& context, auto in) {
        return update_record_size(deps, context, std::move(in));
      });
  registry.add<k::op::UpdateStreamWarmThroughput>(
      on_stream<k::UpdateStreamWarmThroughputInput>(deps, "kinesis:UpdateStreamWarmThroughput"),
      [&deps](const Context& context, auto in) {
        return update_warm_throughput(deps, context, std::move(in));
      });
}

}  // namespace services::kinesis
