#include "services/logs/logs.h"

#include "api/logs/errors.h"
#include "auth/principal.h"

namespace services::logs {

namespace l = api::logs;

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(l::kService, l::operations());
  register_groups(registry, deps);
  register_streams(registry, deps);
  register_put_events(registry, deps);
  register_get_events(registry, deps);
  register_filter_events(registry, deps);
  register_tags(registry, deps);
}

std::optional<GroupKey> parse_group_arn(std::string_view arn) {
  constexpr std::string_view kPrefix = "log-group:";
  const auto parts = auth::parse_arn(arn);
  if (!parts || parts->service != "logs" || !parts->resource.starts_with(kPrefix))
    return std::nullopt;
  std::string_view name = parts->resource.substr(kPrefix.size());
  if (name.ends_with(":*")) name.remove_suffix(2);
  if (name.empty() || name.find_first_of(":*") != std::string_view::npos) return std::nullopt;
  if (parts->account.empty() || parts->region.empty()) return std::nullopt;
  return GroupKey{std::string(parts->account), std::string(parts->region), std::string(name)};
}

api::Outcome<GroupKey> key_of(const wire::Context& context, const std::optional<std::string>& name,
                              const std::optional<std::string>& identifier) {
  if (name && identifier)
    return std::unexpected(
        l::validation("LogGroup name and LogGroup ARN are mutually exclusive parameters."));
  if (!name && !identifier)
    return std::unexpected(
        l::validation("At least one of LogGroup name or LogGroup ARN is required."));
  const std::string& text = name ? *name : *identifier;
  if (name || !text.starts_with("arn:")) return GroupKey{context.account_id, context.region, text};
  auto key = parse_group_arn(text);
  if (!key) return std::unexpected(l::invalid_parameter("The specified ARN is not valid."));
  return *std::move(key);
}

api::Outcome<GroupPtr> find_group(const Deps& deps, const GroupKey& key) {
  auto group = deps.journal.find(key);
  if (!group) return std::unexpected(group_not_found());
  return group;
}

api::Error group_not_found() {
  return l::resource_not_found("The specified log group does not exist.");
}
api::Error stream_not_found() {
  return l::resource_not_found("The specified log stream does not exist.");
}
api::Error bad_token() { return l::invalid_parameter("The specified nextToken is invalid."); }

api::Error to_api_error(const Deps& deps, const base::Error& error, const GroupKey& key) {
  switch (error.code) {
    case base::ErrorCode::kNotFound:
      return deps.journal.find(key) ? stream_not_found() : group_not_found();
    case base::ErrorCode::kConflict:
      return l::operation_aborted("The specified log group is being changed.");
    case base::ErrorCode::kLimit: return l::limit_exceeded("Resource limit exceeded.");
    default: return api::internal_failure();
  }
}

std::string group_resource(const GroupKey& key) { return key.arn() + ":log-stream:"; }
std::string stream_resource(const GroupKey& key, const std::string& stream) {
  return group_resource(key) + stream;
}

auth::Check check_on(std::string action, const GroupKey& key, std::string resource) {
  auth::Check check{.action = std::move(action), .resource = std::move(resource)};
  check.resource_account = key.account_id;
  return check;
}

}  // namespace services::logs
