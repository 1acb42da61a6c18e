#include "services/kinesis/kinesis.h"

#include <fmt/format.h>

#include "api/kinesis/errors.h"
#include "auth/policy.h"
#include "auth/principal.h"

namespace services::kinesis {

namespace errors = api::kinesis;

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(api::kinesis::kService, api::kinesis::operations());
  register_streams(registry, deps);
  register_settings(registry, deps);
  register_policies(registry, deps);
  register_account(registry, deps);
  register_tags(registry, deps);
  register_shards(registry, deps);
  register_consumers(registry, deps);
  register_records(registry, deps);
  register_readers(registry, deps);
  register_subscribe(registry, deps);
}

std::optional<StreamKey> parse_stream_arn(std::string_view arn) {
  constexpr std::string_view kPrefix = "stream/";
  const auto parts = auth::parse_arn(arn);
  if (!parts || parts->service != "kinesis" || !parts->resource.starts_with(kPrefix))
    return std::nullopt;
  const std::string_view name = parts->resource.substr(kPrefix.size());
  if (name.empty() || name.find('/') != std::string_view::npos) return std::nullopt;
  return StreamKey{std::string(parts->account), std::string(parts->region), std::string(name)};
}

std::optional<ConsumerArn> parse_consumer_arn(std::string_view arn) {
  constexpr std::string_view kMiddle = "/consumer/";
  const std::size_t at = arn.find(kMiddle);
  if (at == std::string_view::npos) return std::nullopt;
  auto stream = parse_stream_arn(arn.substr(0, at));
  std::string_view consumer = arn.substr(at + kMiddle.size());
  consumer = consumer.substr(0, consumer.find(':'));
  if (!stream || consumer.empty()) return std::nullopt;
  return ConsumerArn{*std::move(stream), std::string(consumer)};
}

std::string consumer_arn(const StreamKey& stream, const streamlog::ConsumerInfo& consumer) {
  return fmt::format("{}/consumer/{}:{}", stream.arn(), consumer.name,
                     base::to_epoch_ms(consumer.created) / 1000);
}

api::Outcome<StreamKey> key_of(const wire::Context& context, const std::optional<std::string>& name,
                               const std::optional<std::string>& arn) {
  if (arn) {
    auto key = parse_stream_arn(*arn);
    if (!key)
      return std::unexpected(
          errors::invalid_argument(fmt::format("StreamARN {} is not valid.", *arn)));
    if (name && *name != key->name)
      return std::unexpected(
          errors::invalid_argument("StreamName and the name in StreamARN do not match."));
    return *std::move(key);
  }
  if (!name)
    return std::unexpected(
        errors::invalid_argument("Either StreamName or StreamARN must be provided."));
  return StreamKey{context.account_id, context.region, *name};
}

api::Error stream_not_found(const StreamKey& key) {
  return errors::resource_not_found(
      fmt::format("Stream {} under account {} not found.", key.name, key.account_id));
}

api::Error dry_run() {
  return api::kinesis::dry_run_operation(
      "The request was rejected because the DryRun parameter was specified.");
}

api::Error rate_exceeded(const StreamKey& key, std::string_view shard_id) {
  return errors::provisioned_throughput_exceeded(
      fmt::format("Rate exceeded for shard {} in stream {} under account {}.", shard_id, key.name,
                  key.account_id));
}

api::Outcome<StreamPtr> find_stream(const Deps& deps, const StreamKey& key) {
  auto stream = deps.streams.find(key);
  if (!stream) return std::unexpected(stream_not_found(key));
  return stream;
}

api::Error to_api_error(const base::Error& error, const StreamKey& key) {
  switch (error.code) {
    case base::ErrorCode::kNotFound: return stream_not_found(key);
    case base::ErrorCode::kConflict:
    case base::ErrorCode::kAlreadyExists:
      return errors::resource_in_use(
          fmt::format("Stream {} under account {} is being changed.", key.name, key.account_id));
    case base::ErrorCode::kInvalidArgument: return errors::invalid_argument(error.message);
    case base::ErrorCode::kLimit: return errors::limit_exceeded(error.message);
    default: return api::internal_failure();
  }
}

std::string_view status_name(streamlog::StreamStatus status) {
  switch (status) {
    case streamlog::StreamStatus::kCreating: return "CREATING";
    case streamlog::StreamStatus::kActive: return "ACTIVE";
    case streamlog::StreamStatus::kUpdating: return "UPDATING";
    case streamlog::StreamStatus::kDeleting: return "DELETING";
  }
  return "ACTIVE";
}

auth::Check stream_check(const Deps& deps, const std::string& action, const StreamKey& key) {
  auth::Check check{.action = action, .resource = key.arn()};
  check.resource_account = key.account_id;
  const auto stream = deps.streams.find(key);
  if (stream) check.resource_policy = stream->policy;
  return check;
}

auth::Check consumer_check(const Deps& deps, const std::string& action, const ConsumerArn& consumer,
                           std::string arn) {
  auth::Check check{.action = action, .resource = std::move(arn)};
  check.resource_account = consumer.stream.account_id;
  const auto stream = deps.streams.find(consumer.stream);
  if (stream) check.resource_policy = stream->consumer_policy(consumer.consumer);
  return check;
}

auth::Check any_resource(std::string action) {
  return {.action = std::move(action), .resource = "*"};
}

}  // namespace services::kinesis
