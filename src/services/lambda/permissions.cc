// AddPermission, RemovePermission, GetPolicy: a function's resource policy.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "auth/policy.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

namespace json = boost::json;
using functions::ResourcePolicy;

bool is_account(std::string_view text) {
  return text.size() == 12 &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

json::value principal_of(const std::string& principal) {
  if (principal == "*") return "*";
  if (is_account(principal)) return {{"AWS", auth::root_arn(principal)}};
  if (principal.starts_with("arn:")) return {{"AWS", principal}};
  return {{"Service", principal}};
}

// In AWS's order of members.
std::string make_statement(const l::AddPermissionRequest& input, const std::string& resource) {
  json::object equals;
  if (input.source_account) equals["AWS:SourceAccount"] = *input.source_account;
  if (input.function_url_auth_type)
    equals["lambda:FunctionUrlAuthType"] = *input.function_url_auth_type;
  if (input.principal_org_id) equals["aws:PrincipalOrgID"] = *input.principal_org_id;
  if (input.event_source_token) equals["lambda:EventSourceToken"] = *input.event_source_token;
  json::object conditions;
  if (!equals.empty()) conditions["StringEquals"] = std::move(equals);
  if (input.source_arn) conditions["ArnLike"] = json::object{{"AWS:SourceArn", *input.source_arn}};
  if (input.invoked_via_function_url)
    conditions["Bool"] = json::object{
        {"lambda:InvokedViaFunctionUrl", *input.invoked_via_function_url ? "true" : "false"}};
  json::object statement{{"Sid", *input.statement_id},
                         {"Effect", "Allow"},
                         {"Principal", principal_of(*input.principal)},
                         {"Action", *input.action},
                         {"Resource", resource}};
  if (!conditions.empty()) statement["Condition"] = std::move(conditions);
  return json::serialize(statement);
}

// The function, or the alias or version meant, has to be there.
api::Outcome<void> check_target(const Function& function, const Target& target) {
  const std::string& qualifier = target.qualifier;
  if (qualifier == functions::kLatest)
    return std::unexpected(
        l::invalid_parameter_value("We currently do not support adding policies for $LATEST."));
  if (qualifier.empty() || function.resolve(qualifier) != nullptr) return {};
  const bool may_be_alias =
      qualifier.find('$') == std::string::npos &&
      !std::ranges::all_of(qualifier, [](char c) { return c >= '0' && c <= '9'; });
  if (may_be_alias)
    return std::unexpected(l::resource_not_found("Cannot find alias arn: " + target.arn()));
  return std::unexpected(functions::function_not_found(target.arn()));
}

// The policy's revision is the one of the version or alias that it is on.
api::Outcome<void> check_revision(const Function& function, const Target& target,
                                  const std::optional<std::string>& expected) {
  if (!expected) return {};
  const auto policy = function.policies.find(target.qualifier);
  const std::string& current =
      policy == function.policies.end() ? function.latest.revision_id : policy->second.revision_id;
  if (*expected != current) return std::unexpected(stale_revision("GetPolicy"));
  return {};
}

void renew(const Deps& deps, Function& function, const Target& target, ResourcePolicy& policy) {
  policy.revision_id = base::uuid(deps.random);
  if (target.qualifier.empty()) function.latest.revision_id = policy.revision_id;
}

Answer<l::AddPermissionResponse> add(const Deps& deps, const Context& context,
                                     l::AddPermissionRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const std::string statement = make_statement(input, target->arn());
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        auto checked = check_target(function, *target);
        if (checked) checked = check_revision(function, *target, input.revision_id);
        if (!checked) return checked;
        ResourcePolicy& policy = function.policies[target->qualifier];
        if (std::ranges::find(policy.permissions, *input.statement_id,
                              &functions::Permission::statement_id) != policy.permissions.end())
          return std::unexpected(l::resource_conflict(
              fmt::format("The statement id ({}) provided already exists. Please provide a new "
                          "statement id, or remove the existing statement.",
                          *input.statement_id)));
        policy.permissions.push_back({*input.statement_id, statement});
        if (!auth::parse_policy(policy.document(), auth::PolicyKind::kResource))
          return std::unexpected(l::invalid_parameter_value(
              "The provided principal was invalid. Please check the principal and try again."));
        if (policy.document().size() > 20'480)
          return std::unexpected(
              l::policy_length_exceeded("The final policy size is bigger than the limit (20480)."));
        renew(deps, function, *target, policy);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  l::AddPermissionResponse output;
  output.statement = statement;
  co_return output;
}

Answer<l::RemovePermissionOutput> remove(const Deps& deps, const Context& context,
                                         l::RemovePermissionRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  if (deps.catalogue.find(target->key) == nullptr)
    co_return std::unexpected(l::resource_not_found("No policy found for: " + target->arn()));
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        auto checked = check_target(function, *target);
        if (!checked) return checked;
        const auto policy = function.policies.find(target->qualifier);
        if (policy == function.policies.end())
          return std::unexpected(
              l::resource_not_found("No policy is associated with the given resource."));
        checked = check_revision(function, *target, input.revision_id);
        if (!checked) return checked;
        const auto gone = std::erase_if(policy->second.permissions, [&](const auto& permission) {
          return permission.statement_id == *input.statement_id;
        });
        if (gone == 0)
          return std::unexpected(l::resource_not_found(
              fmt::format("Statement {} is not found in resource policy.", *input.statement_id)));
        renew(deps, function, *target, policy->second);
        if (policy->second.permissions.empty()) function.policies.erase(policy);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::RemovePermissionOutput();
}

Answer<l::GetPolicyResponse> get(const Deps& deps, const Context& context,
                                 l::GetPolicyRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const FunctionPtr function = deps.catalogue.find(target->key);
  if (function == nullptr)
    co_return std::unexpected(l::resource_not_found("The resource you requested does not exist."));
  const auto policy = function->policies.find(target->qualifier);
  if (policy == function->policies.end())
    co_return std::unexpected(l::resource_not_found("The resource you requested does not exist."));
  l::GetPolicyResponse output;
  output.policy = policy->second.document();
  output.revision_id = policy->second.revision_id;
  co_return output;
}

}  // namespace

void register_permissions(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::AddPermission>(
      on_function<l::AddPermissionRequest>(deps, "lambda:AddPermission"),
      [&deps](const Context& context, l::AddPermissionRequest input) {
        return add(deps, context, std::move(input));
      });
  registry.add<l::op::RemovePermission>(
      on_function<l::RemovePermissionRequest>(deps, "lambda:RemovePermission"),
      [&deps](const Context& context, l::RemovePermissionRequest input) {
        return remove(deps, context, std::move(input));
      });
  registry.add<l::op::GetPolicy>(on_function<l::GetPolicyRequest>(deps, "lambda:GetPolicy"),
                                 [&deps](const Context& context, l::GetPolicyRequest input) {
                                   return get(deps, context, std::move(input));
                                 });
}

}  // namespace services::lambda
