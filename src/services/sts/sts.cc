// AssumeRole, GetCallerIdentity, GetAccessKeyInfo.
#include "services/sts/sts.h"

#include <fmt/format.h>

#include <algorithm>

namespace services::sts {
namespace {

namespace s = api::sts;
using wire::Context;
template <class T>
using Answer = async::Task<api::Outcome<T>>;

constexpr std::int32_t kChainedSecondsMax = 3600;

api::Error invalid(std::string message) {
  return {
      .code = "ValidationError", .status = 400, .message = std::move(message), .detail = nullptr};
}

Answer<s::op::GetCallerIdentity::Output> caller_identity(const Context& context) {
  s::op::GetCallerIdentity::Output output;
  output.user_id = context.principal->user_id;
  output.account = context.account_id;
  output.arn = context.principal->arn;
  co_return output;
}

api::Outcome<identity::PolicyText> session_policy(const std::string& text) {
  auto parsed = auth::parse_policy(text, auth::PolicyKind::kSession);
  if (!parsed) return std::unexpected(std::move(parsed).error());
  return identity::PolicyText{text,
                              std::make_shared<const auth::PolicyDocument>(*std::move(parsed))};
}

api::Outcome<void> add_policies(const Deps& deps, const s::AssumeRoleRequest& input,
                                identity::SessionRequest& request) {
  if (input.policy) {
    auto policy = session_policy(*input.policy);
    if (!policy) return std::unexpected(policy.error());
    request.policies.push_back(*std::move(policy));
  }
  if (input.policy_arns) {
    const auto all = deps.identity.directory();
    for (const auto& named : *input.policy_arns) {
      const auto* const managed = named.arn ? all->policy(*named.arn) : nullptr;
      if (managed == nullptr)
        return std::unexpected(
            invalid(fmt::format("The policy {} does not exist.", named.arn.value_or(""))));
      request.policies.push_back(managed->current().policy);
    }
  }
  request.has_policies = !request.policies.empty();
  return {};
}

api::Outcome<void> add_tags(const s::AssumeRoleRequest& input, identity::SessionRequest& request) {
  if (!input.tags) return {};
  for (const auto& tag : *input.tags)
    if (!request.tags.emplace(*tag.key, *tag.value).second)
      return std::unexpected(
          api::Error{.code = "InvalidParameterValue",
                     .status = 400,
                     .message = "Duplicate tag keys found. Please note that Tag keys are case "
                                "insensitive.",
                     .detail = nullptr});
  return {};
}

Answer<s::op::AssumeRole::Output> assume_role(const Deps& deps, const Context& context,
                                              s::op::AssumeRole::Input input) {
  const auto all = deps.identity.directory();
  const auto* const role = all->role_by_arn(*input.role_arn);
  if (role == nullptr) co_return std::unexpected(api::internal_failure());  // permission saw it
  const std::int32_t seconds = input.duration_seconds.value_or(3600);
  if (seconds > role->session_seconds_max)
    co_return std::unexpected(
        invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
  if (context.principal->is_session() && seconds > kChainedSecondsMax)
    co_return std::unexpected(invalid(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining."));
  identity::SessionRequest request{.role_name = role->name,
                                   .session_name = *input.role_session_name,
                                   .duration = std::chrono::seconds(seconds)};
  request.source_identity = input.source_identity.value_or("");
  const auto policies = add_policies(deps, input, request);
  if (!policies) co_return std::unexpected(policies.error());
  const auto tags = add_tags(input, request);
  if (!tags) co_return std::unexpected(tags.error());
  const auto session = deps.identity.start_session(request);
  if (!session) co_return std::unexpected(session.error());
  s::op::AssumeRole::Output output;
  output.credentials = {.access_key_id = session->access_key_id,
                        .secret_access_key = session->secret_key,
                        .session_token = session->token,
                        .expiration = session->expires};
  output.assumed_role_user = {.assumed_role_id = session->principal.user_id,
                              .arn = session->principal.arn};
  if (input.source_identity) output.source_identity = input.source_identity;
  co_return output;
}

// The trust policy decides. A role that is not there is refused like one that does not trust us.
api::Outcome<wire::Checks> may_assume(const Deps& deps, const Context&,
                                      const s::AssumeRoleRequest& input) {
  const auto arn = auth::parse_arn(*input.role_arn);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/"))
    return std::unexpected(invalid(fmt::format("{} is invalid", *input.role_arn)));
  const auto all = deps.identity.directory();
  const auto* const role = all->role_by_arn(*input.role_arn);
  auth::Check check{.action = "sts:AssumeRole", .resource = *input.role_arn};
  check.resource_account = std::string(arn->account);
  check.resource_must_allow = true;
  if (role != nullptr) check.resource_policy = role->trust.document;
  check.context.push_back({.key = "sts:RoleSessionName", .values = {*input.role_session_name}});
  if (input.external_id)
    check.context.push_back({.key = "sts:ExternalId", .values = {*input.external_id}});
  if (input.source_identity)
    check.context.push_back({.key = "sts:SourceIdentity", .values = {*input.source_identity}});
  if (input.tags) {
    auth::ContextEntry keys{.key = "aws:TagKeys", .values = {}};
    for (const auto& tag : *input.tags) {
      keys.values.push_back(*tag.key);
      check.context.push_back({.key = "aws:RequestTag/" + *tag.key, .values = {*tag.value}});
    }
    check.context.push_back(std::move(keys));
  }
  return wire::Checks{std::move(check)};
}

Answer<s::op::GetAccessKeyInfo::Output> key_info(const Context& context) {
  s::op::GetAccessKeyInfo::Output output;
  output.account = context.account_id;
  co_return output;
}

}  // namespace

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(api::sts::kService, api::sts::operations());
  registry.add<s::op::GetCallerIdentity>(
      wire::no_permission(), [](const Context& context, auto) { return caller_identity(context); });
  registry.add<s::op::AssumeRole>(
      [&deps](const Context& context, const auto& input) {
        return may_assume(deps, context, input);
      },
      [&deps](const Context& context, auto in) {
        return assume_role(deps, context, std::move(in));
      });
  registry.add<s::op::GetAccessKeyInfo>(
      [](const Context&, const auto&) -> wire::Checks {
        return {{.action = "sts:GetAccessKeyInfo", .resource = "*"}};
      },
      [](const Context& context, auto) { return key_info(context); });
}

}  // namespace services::sts
