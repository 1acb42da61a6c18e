#include "services/dynamodbstreams/dynamodbstreams.h"

#include <fmt/format.h>

namespace services::dynamodbstreams {

api::Error validation(std::string message) {
  return {.code = "ValidationException",
          .status = 400,
          .message = std::move(message),
          .detail = nullptr};
}

std::optional<api::Error> check_limit(const std::optional<std::int32_t>& limit, std::int32_t max) {
  if (limit.value_or(1) <= max) return std::nullopt;
  return validation(
      fmt::format("1 validation error detected: Value '{}' at 'limit' failed to satisfy "
                  "constraint: Member must have value less than or equal to {}",
                  *limit, max));
}

api::Outcome<changes::StreamName> stream_name(const std::string& arn) {
  auto name = changes::parse_stream_arn(arn);
  if (!name) return std::unexpected(validation("Invalid StreamArn: " + arn));
  return *std::move(name);
}

api::Outcome<changes::StreamPtr> find_stream(const Deps& deps, const changes::StreamName& name) {
  auto stream = deps.changes.find(name);
  if (!stream)
    return std::unexpected(s::resource_not_found(
        "Requested resource not found: Stream: " + name.arn() + " not found"));
  return stream;
}

api::Error no_shard(const changes::StreamName& stream, const std::string& shard) {
  return s::resource_not_found(fmt::format(
      "Requested resource not found: Shard: {} in Stream: {} not found", shard, stream.arn()));
}

auth::Check stream_check(const Deps& deps, std::string action, const changes::StreamName& name) {
  auth::Check check{.action = std::move(action), .resource = name.arn()};
  check.resource_account = name.account;
  if (deps.policy_of) check.resource_policy = deps.policy_of(name);
  return check;
}

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(s::kService, s::operations());
  register_streams(registry, deps);
  register_readers(registry, deps);
}

}  // namespace services::dynamodbstreams
