// Managed policies and their versions.
#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using identity::ManagedPolicy;
using wire::Context;

constexpr std::size_t kVersionsMax = 5;

api::Error no_policy(const std::string& arn) {
  return i::no_such_entity(fmt::format("Policy {} was not found.", arn));
}

api::Outcome<const ManagedPolicy*> find_policy(const Directory& all, const std::string& arn) {
  const ManagedPolicy* const policy = all.policy(arn);
  if (policy == nullptr) return std::unexpected(no_policy(arn));
  return policy;
}

// Of the account's own: AWS's cannot be changed.
api::Outcome<ManagedPolicy> changeable(const Edit& edit, const std::string& arn) {
  const auto policy = find_policy(edit.directory(), arn);
  if (!policy) return std::unexpected(policy.error());
  if ((*policy)->aws_managed)
    return std::unexpected(
        api::Error{.code = "AccessDenied",
                   .status = 403,
                   .message = fmt::format("The policy {} is managed by AWS.", arn),
                   .detail = nullptr});
  return **policy;
}

i::Policy render(const Directory& all, const ManagedPolicy& policy) {
  i::Policy out;
  out.policy_name = policy.name;
  out.policy_id = policy.id;
  out.arn = policy.arn;
  out.path = policy.path;
  out.default_version_id = policy.default_version;
  out.attachment_count = static_cast<std::int32_t>(all.attachments(policy.arn));
  out.permissions_boundary_usage_count = 0;
  out.is_attachable = true;
  out.create_date = policy.created;
  out.update_date = policy.updated;
  return out;
}

i::PolicyVersion render(const ManagedPolicy& policy, const identity::PolicyVersion& version,
                        bool with_document) {
  i::PolicyVersion out;
  if (with_document) out.document = base::uri_encode(version.policy.text);
  out.version_id = version.id;
  out.is_default_version = version.id == policy.default_version;
  out.create_date = version.created;
  return out;
}

Answer<i::op::CreatePolicy::Output> create_policy(const Deps& deps, const Context& context,
                                                  i::op::CreatePolicy::Input input) {
  auto text = parse(*input.policy_document, auth::PolicyKind::kManaged);
  if (!text) co_return std::unexpected(text.error());
  auto tags = read_tags(input.tags);
  if (!tags) co_return std::unexpected(tags.error());
  ManagedPolicy policy;
  policy.name = *input.policy_name;
  policy.path = input.path.value_or("/");
  policy.id = deps.identity.new_id("ANPA");
  policy.arn = auth::policy_arn(context.account_id, policy.path, policy.name);
  policy.description = input.description.value_or("");
  policy.created = deps.clock.now();
  policy.updated = policy.created;
  policy.tags = *std::move(tags);
  policy.versions.push_back({.id = "v1", .policy = *std::move(text), .created = policy.created});
  const auto done = co_await deps.identity.edit([&policy](Edit& edit) -> api::Outcome<void> {
    const bool taken = std::ranges::any_of(edit.directory().policies, [&](const auto& entry) {
      return !entry.second->aws_managed && entry.second->name == policy.name;
    });
    if (taken)
      return std::unexpected(i::entity_already_exists(fmt::format(
          "A policy called {} already exists. Duplicate names are not allowed.", policy.name)));
    edit.put(policy);
    return {};
  });
  if (!done) co_return std::unexpected(done.error());
  i::op::CreatePolicy::Output output;
  output.policy = render(*deps.identity.directory(), policy);
  if (!policy.tags.empty()) output.policy->tags = render_tags(policy.tags);
  co_return output;
}

Answer<i::op::GetPolicy::Output> get_policy(const Deps& deps, const Context&,
                                            i::op::GetPolicy::Input input) {
  const auto all = deps.identity.directory();
  const auto policy = find_policy(*all, *input.policy_arn);
  if (!policy) co_return std::unexpected(policy.error());
  i::op::GetPolicy::Output output;
  output.policy = render(*all, **policy);
  if (!(*policy)->description.empty()) output.policy->description = (*policy)->description;
  output.policy->tags = render_tags((*policy)->tags);
  co_return output;
}

Answer<i::op::ListPolicies::Output> list_policies(const Deps& deps, const Context&,
                                                  i::op::ListPolicies::Input input) {
  const auto all = deps.identity.directory();
  i::op::ListPolicies::Output output;
  auto& policies = output.policies.emplace();
  const std::string scope = input.scope.value_or("All");
  const std::string prefix = input.path_prefix.value_or("/");
  page(output, input.marker, input.max_items, all->policies, [&](const auto& entry) {
    const ManagedPolicy& policy = *entry.second;
    if (scope != "All" && (scope == "AWS") != policy.aws_managed) return false;
    if (!policy.path.starts_with(prefix)) return false;
    if (input.only_attached.value_or(false) && all->attachments(policy.arn) == 0) return false;
    policies.push_back(render(*all, policy));
    return true;
  });
  co_return output;
}

Answer<i::op::DeletePolicy::Output> delete_policy(const Deps& deps, const Context&,
                                                  i::op::DeletePolicy::Input input) {
  return edit<i::op::DeletePolicy::Output>(deps, [input](Edit& edit) -> api::Outcome<void> {
    const auto policy = changeable(edit, *input.policy_arn);
    if (!policy) return std::unexpected(policy.error());
    if (edit.directory().attachments(policy->arn) > 0)
      return std::unexpected(i::delete_conflict("Cannot delete a policy attached to entities."));
    if (policy->versions.size() > 1)
      return std::unexpected(i::delete_conflict(
          "This policy has more than one version. Before you delete a policy, you must delete the "
          "policy's versions. The default version is deleted with the policy."));
    edit.erase_policy(policy->arn);
    return {};
  });
}

Answer<i::op::CreatePolicyVersion::Output> create_version(const Deps& deps, const Context&,
                                                          i::op::CreatePolicyVersion::Input input) {
  auto text = parse(*input.policy_document, auth::PolicyKind::kManaged);
  if (!text) co_return std::unexpected(text.error());
  i::op::CreatePolicyVersion::Output output;
  const auto done = co_await deps.identity.edit([&](Edit& edit) -> api::Outcome<void> {
    auto policy = changeable(edit, *input.policy_arn);
    if (!policy) return std::unexpected(policy.error());
    if (policy->versions.size() >= kVersionsMax)
      return std::unexpected(i::limit_exceeded(
          "A managed policy can have up to 5 versions. Before you create a new version, you must "
          "delete an existing version."));
    identity::PolicyVersion version{.id = fmt::format("v{}", policy->next_version++),
                                    .policy = *text,
                                    .created = deps.clock.now()};
    if (input.set_as_default.value_or(false)) policy->default_version = version.id;
    policy->updated = version.created;
    policy->versions.push_back(version);
    output.policy_version = render(*policy, version, false);
    edit.put(*std::move(policy));
    return {};
  });
  if (!done) co_return std::unexpected(done.error());
  co_return output;
}

api::Error no_version(const std::string& arn, const std::string& version) {
  return i::no_such_entity(
      fmt::format("Policy {} version {} does not exist or is not attachable.", arn, version));
}

Answer<i::op::GetPolicyVersion::Output> get_version(const Deps& deps, const Context&,
                                                    i::op::GetPolicyVersion::Input input) {
  const auto all = deps.identity.directory();
  const auto policy = find_policy(*all, *input.policy_arn);
  if (!policy) co_return std::unexpected(policy.error());
  const auto* const version = (*policy)->version(*input.version_id);
  if (version == nullptr)
    co_return std::unexpected(no_version(*input.policy_arn, *input.version_id));
  i::op::GetPolicyVersion::Output output;
  output.policy_version = render(**policy, *version, true);
  co_return output;
}

Answer<i::op::ListPolicyVersions::Output> list_versions(const Deps& deps, const Context&,
                                                        i::op::ListPolicyVersions::Input input) {
  const auto all = deps.identity.directory();
  const auto policy = find_policy(*all, *input.policy_arn);
  if (!policy) co_return std::unexpected(policy.error());
  i::op::ListPolicyVersions::Output output;
  output.is_truncated = false;
  auto& versions = output.versions.emplace();
  for (auto at = (*policy)->versions.rbegin(); at != (*policy)->versions.rend(); ++at)
    versions.push_back(render(**policy, *at, false));
  co_return output;
}

Answer<i::op::DeletePolicyVersion::Output> delete_version(const Deps& deps, const Context&,
                                                          i::op::DeletePolicyVersion::Input input) {
  return edit<i::op::DeletePolicyVersion::Output>(deps, [input](Edit& edit) -> api::Outcome<void> {
    auto policy = changeable(edit, *input.policy_arn);
    if (!policy) return std::unexpected(policy.error());
    if (policy->default_version == *input.version_id)
      return std::unexpected(i::delete_conflict("Cannot delete the default version of a policy."));
    const auto gone = std::erase_if(
        policy->versions, [&](const auto& version) { return version.id == *input.version_id; });
    if (gone == 0) return std::unexpected(no_version(*input.policy_arn, *input.version_id));
    edit.put(*std::move(policy));
    return {};
  });
}

Answer<i::op::SetDefaultPolicyVersion::Output> set_default(
    const Deps& deps, const Context&, i::op::SetDefaultPolicyVersion::Input input) {
  return edit<i::op::SetDefaultPolicyVersion::Output>(
      deps, [input](Edit& edit) -> api::Outcome<void> {
        auto policy = changeable(edit, *input.policy_arn);
        if (!policy) return std::unexpected(policy.error());
        if (policy->version(*input.version_id) == nullptr)
          return std::unexpected(no_version(*input.policy_arn, *input.version_id));
        policy->default_version = *input.version_id;
        edit.put(*std::move(policy));
        return {};
      });
}

Answer<i::op::ListEntitiesForPolicy::Output> list_entities(
    const Deps& deps, const Context&, i::op::ListEntitiesForPolicy::Input input) {
  const auto all = deps.identity.directory();
  const auto policy = find_policy(*all, *input.policy_arn);
  if (!policy) co_return std::unexpected(policy.error());
  i::op::ListEntitiesForPolicy::Output output;
  output.is_truncated = false;
  auto& users = output.policy_users.emplace();
  auto& groups = output.policy_groups.emplace();
  auto& roles = output.policy_roles.emplace();
  const std::string& arn = (*policy)->arn;
  for (const auto& [name, user] : all->users)
    if (user->attached.contains(arn)) users.push_back({.user_name = name, .user_id = user->id});
  for (const auto& [name, group] : all->groups)
    if (group->attached.contains(arn))
      groups.push_back({.group_name = name, .group_id = group->id});
  for (const auto& [name, role] : all->roles)
    if (role->attached.contains(arn)) roles.push_back({.role_name = name, .role_id = role->id});
  co_return output;
}

template <class Op, class Handler>
void add(wire::Registry& registry, const Deps& deps, Handler handler) {
  registry.add<Op>(on_policy<Op>(), [&deps, handler](const Context& context, auto in) {
    return handler(deps, context, std::move(in));
  });
}

}  // namespace

void register_managed_policies(wire::Registry& registry, const Deps& deps) {
  registry.add<i::op::CreatePolicy>(
      [](const Context& context, const auto& input) -> wire::Checks {
        return {{.action = "iam:CreatePolicy",
                 .resource = auth::policy_arn(context.account_id, input.path.value_or("/"),
                                              *input.policy_name)}};
      },
      [&deps](const Context& context, auto in) {
        return create_policy(deps, context, std::move(in));
      });
  registry.add<i::op::ListPolicies>(on_any<i::op::ListPolicies>(),
                                    [&deps](const Context& context, auto in) {
                                      return list_policies(deps, context, std::move(in));
                                    });
  add<i::op::GetPolicy>(registry, deps, get_policy);
  add<i::op::DeletePolicy>(registry, deps, delete_policy);
  add<i::op::CreatePolicyVersion>(registry, deps, create_version);
  add<i::op::GetPolicyVersion>(registry, deps, get_version);
  add<i::op::ListPolicyVersions>(registry, deps, list_versions);
  add<i::op::DeletePolicyVersion>(registry, deps, delete_version);
  add<i::op::SetDefaultPolicyVersion>(registry, deps, set_default);
  add<i::op::ListEntitiesForPolicy>(registry, deps, list_entities);
}

}  // namespace services::iam
