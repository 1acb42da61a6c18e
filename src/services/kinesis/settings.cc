// What can be changed on a stream: retention, encryption, monitoring, mode, record size, policy.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/kinesis/errors.h"
#include "auth/policy.h"
#include "services/kinesis/kinesis.h"

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
  const auto done = co_await change(deps, *key, [on_demand](StreamInfo& info) -> base::Status {
    info.on_demand = on_demand;
    return {};
  });
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

api::Outcome<StreamKey> policy_target(const std::string& arn) {
  auto key = parse_stream_arn(arn);
  if (!key) return std::unexpected(k::invalid_argument("ResourceARN " + arn + " is not valid."));
  return *std::move(key);
}

Answer<k::PutResourcePolicyOutput> put_policy(const Deps& deps, const Context&,
                                              k::PutResourcePolicyInput input) {
  const auto key = policy_target(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto parsed = auth::parse_policy(*input.policy, auth::PolicyKind::kResource);
  if (!parsed) co_return std::unexpected(k::invalid_argument(parsed.error().message));
  const auto done =
      co_await change(deps, *key, [text = *input.policy](StreamInfo& info) -> base::Status {
        info.resource_policy = text;
        return {};
      });
  if (!done) co_return std::unexpected(done.error());
  co_return k::PutResourcePolicyOutput();
}

Answer<k::GetResourcePolicyOutput> get_policy(const Deps& deps, const Context&,
                                              k::GetResourcePolicyInput input) {
  const auto key = policy_target(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  k::GetResourcePolicyOutput output;
  const std::string& policy = (*stream)->info.resource_policy;
  output.policy = policy.empty() ? "{}" : policy;
  co_return output;
}

Answer<k::DeleteResourcePolicyOutput> delete_policy(const Deps& deps, const Context&,
                                                    k::DeleteResourcePolicyInput input) {
  const auto key = policy_target(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto stream = find_stream(deps, *key);
  if (!stream) co_return std::unexpected(stream.error());
  if ((*stream)->info.resource_policy.empty())
    co_return std::unexpected(
        k::resource_not_found("No resource policy found for resource " + key->arn()));
  const auto done = co_await change(deps, *key, [](StreamInfo& info) -> base::Status {
    info.resource_policy.clear();
    return {};
  });
  if (!done) co_return std::unexpected(done.error());
  co_return k::DeleteResourcePolicyOutput();
}

template <class Input>
auto on_resource(const Deps& deps, std::string action) {
  return [&deps, action](const Context&, const Input& input) -> api::Outcome<wire::Checks> {
    const auto key = policy_target(*input.resource_arn);
    if (!key) return std::unexpected(key.error());
    return wire::Checks{stream_check(deps, action, *key)};
  };
}

void register_policies(wire::Registry& registry, const Deps& deps) {
  registry.add<k::op::PutResourcePolicy>(
      on_resource<k::PutResourcePolicyInput>(deps, "kinesis:PutResourcePolicy"),
      [&deps](const Context& context, auto in) {
        return put_policy(deps, context, std::move(in));
      });
  registry.add<k::op::GetResourcePolicy>(
      on_resource<k::GetResourcePolicyInput>(deps, "kinesis:GetResourcePolicy"),
      [&deps](const Context& context, auto in) {
        return get_policy(deps, context, std::move(in));
      });
  registry.add<k::op::DeleteResourcePolicy>(
      on_resource<k::DeleteResourcePolicyInput>(deps, "kinesis:DeleteResourcePolicy"),
      [&deps](const Context& context, auto in) {
        return delete_policy(deps, context, std::move(in));
      });
}

}  // namespace

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
  register_policies(registry, deps);
}

}  // namespace services::kinesis
