// CreateRole, GetRole, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole,
// ListRoles, ListInstanceProfilesForRole.
#include <fmt/format.h>

#include "base/encoding.h"
#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using wire::Context;

i::Role render(const Directory& all, const identity::Role& role) {
  i::Role out;
  out.path = role.path;
  out.role_name = role.name;
  out.role_id = role.id;
  out.arn = all.arn_of(role);
  out.create_date = role.created;
  out.assume_role_policy_document = base::uri_encode(role.trust.text);
  if (!role.description.empty()) out.description = role.description;
  if (!role.tags.empty()) out.tags = render_tags(role.tags);
  if (!role.boundary.empty()) out.permissions_boundary = render_boundary(role.boundary);
  return out;
}

Answer<i::op::CreateRole::Output> create_role(const Deps& deps, const Context&,
                                              i::op::CreateRole::Input input) {
  auto trust = parse(*input.assume_role_policy_document, auth::PolicyKind::kTrust);
  if (!trust) co_return std::unexpected(trust.error());
  auto tags = read_tags(input.tags);
  if (!tags) co_return std::unexpected(tags.error());
  identity::Role role;
  role.name = *input.role_name;
  role.path = input.path.value_or("/");
  role.id = deps.identity.new_id("AROA");
  role.created = deps.clock.now();
  role.trust = *std::move(trust);
  role.description = input.description.value_or("");
  role.session_seconds_max = input.max_session_duration.value_or(3600);
  role.boundary = input.permissions_boundary.value_or("");
  role.tags = *std::move(tags);
  const auto done = co_await deps.identity.edit([&role](Edit& edit) -> api::Outcome<void> {
    if (edit.directory().role(role.name) != nullptr)
      return std::unexpected(
          i::entity_already_exists(fmt::format("Role with name {} already exists.", role.name)));
    if (!role.boundary.empty() && edit.directory().policy(role.boundary) == nullptr)
      return std::unexpected(i::no_such_entity(
          fmt::format("Scope ARN: {} does not exist or is not attachable.", role.boundary)));
    edit.put(role);
    return {};
  });
  if (!done) co_return std::unexpected(done.error());
  i::op::CreateRole::Output output;
  output.role = render(*deps.identity.directory(), role);
  co_return output;
}

Answer<i::op::GetRole::Output> get_role(const Deps& deps, const Context&,
                                        i::op::GetRole::Input input) {
  const auto all = deps.identity.directory();
  const auto role = find<RoleKind>(*all, *input.role_name);
  if (!role) co_return std::unexpected(role.error());
  i::op::GetRole::Output output;
  output.role = render(*all, **role);
  output.role->max_session_duration = (*role)->session_seconds_max;
  output.role->role_last_used.emplace();
  co_return output;
}

Answer<i::op::ListRoles::Output> list_roles(const Deps& deps, const Context&,
                                            i::op::ListRoles::Input input) {
  const auto all = deps.identity.directory();
  i::op::ListRoles::Output output;
  auto& roles = output.roles.emplace();
  const std::string prefix = input.path_prefix.value_or("/");
  page(output, input.marker, input.max_items, all->roles, [&](const auto& entry) {
    if (!entry.second->path.starts_with(prefix)) return false;
    i::Role role = render(*all, *entry.second);
    role.max_session_duration = entry.second->session_seconds_max;
    role.tags.reset();
    role.permissions_boundary.reset();
    roles.push_back(std::move(role));
    return true;
  });
  co_return output;
}

template <class Output>
Answer<Output> change_role(const Deps& deps, std::string name,
                           std::function<api::Outcome<void>(identity::Role&)> how) {
  return edit<Output>(deps, [name, how](Edit& edit) -> api::Outcome<void> {
    const auto found = find<RoleKind>(edit.directory(), name);
    if (!found) return std::unexpected(found.error());
    identity::Role role = **found;
    auto changed = how(role);
    if (!changed) return changed;
    edit.put(std::move(role));
    return {};
  });
}

Answer<i::op::UpdateRole::Output> update_role(const Deps& deps, const Context&,
                                              i::op::UpdateRole::Input input) {
  return change_role<i::op::UpdateRole::Output>(
      deps, *input.role_name, [input](identity::Role& role) -> api::Outcome<void> {
        if (input.description) role.description = *input.description;
        if (input.max_session_duration) role.session_seconds_max = *input.max_session_duration;
        return {};
      });
}

Answer<i::op::UpdateAssumeRolePolicy::Output> update_trust(
    const Deps& deps, const Context&, i::op::UpdateAssumeRolePolicy::Input input) {
  return change_role<i::op::UpdateAssumeRolePolicy::Output>(
      deps, *input.role_name, [input](identity::Role& role) -> api::Outcome<void> {
        auto trust = parse(*input.policy_document, auth::PolicyKind::kTrust);
        if (!trust) return std::unexpected(trust.error());
        role.trust = *std::move(trust);
        return {};
      });
}

Answer<i::op::UpdateRoleDescription::Output> update_description(
    const Deps& deps, const Context&, i::op::UpdateRoleDescription::Input input) {
  auto done = co_await change_role<i::op::UpdateRoleDescription::Output>(
      deps, *input.role_name, [input](identity::Role& role) -> api::Outcome<void> {
        role.description = *input.description;
        return {};
      });
  if (!done) co_return done;
  const auto all = deps.identity.directory();
  if (const auto* const role = all->role(*input.role_name)) done->role = render(*all, *role);
  co_return done;
}

Answer<i::op::DeleteRole::Output> delete_role(const Deps& deps, const Context&,
                                              i::op::DeleteRole::Input input) {
  return edit<i::op::DeleteRole::Output>(deps, [input](Edit& edit) -> api::Outcome<void> {
    const auto found = find<RoleKind>(edit.directory(), *input.role_name);
    if (!found) return std::unexpected(found.error());
    if (!(*found)->attached.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must detach all policies first."));
    if (!(*found)->inline_policies.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must delete policies first."));
    edit.erase_role(std::string((*found)->name));
    return {};
  });
}

Answer<i::op::ListInstanceProfilesForRole::Output> list_profiles(
    const Deps& deps, const Context&, i::op::ListInstanceProfilesForRole::Input input) {
  const auto all = deps.identity.directory();
  const auto role = find<RoleKind>(*all, *input.role_name);
  if (!role) co_return std::unexpected(role.error());
  i::op::ListInstanceProfilesForRole::Output output;
  output.instance_profiles.emplace();  // there are none: Millrace has no EC2
  output.is_truncated = false;
  co_return output;
}

}  // namespace

void register_roles(wire::Registry& registry, const Deps& deps) {
  registry.add<i::op::CreateRole>(
      [](const Context& context, const auto& input) -> wire::Checks {
        return {{.action = "iam:CreateRole",
                 .resource = auth::role_arn(context.account_id, input.path.value_or("/"),
                                            *input.role_name)}};
      },
      [&deps](const Context& context, auto in) {
        return create_role(deps, context, std::move(in));
      });
  registry.add<i::op::GetRole>(
      on_entity<RoleKind, i::op::GetRole>(deps),
      [&deps](const Context& context, auto in) { return get_role(deps, context, std::move(in)); });
  registry.add<i::op::ListRoles>(on_any<i::op::ListRoles>(),
                                 [&deps](const Context& context, auto in) {
                                   return list_roles(deps, context, std::move(in));
                                 });
  registry.add<i::op::UpdateRole>(on_entity<RoleKind, i::op::UpdateRole>(deps),
                                  [&deps](const Context& context, auto in) {
                                    return update_role(deps, context, std::move(in));
                                  });
  registry.add<i::op::UpdateRoleDescription>(
      on_entity<RoleKind, i::op::UpdateRoleDescription>(deps),
      [&deps](const Context& context, auto in) {
        return update_description(deps, context, std::move(in));
      });
  registry.add<i::op::UpdateAssumeRolePolicy>(
      on_entity<RoleKind, i::op::UpdateAssumeRolePolicy>(deps),
      [&deps](const Context& context, auto in) {
        return update_trust(deps, context, std::move(in));
      });
  registry.add<i::op::DeleteRole>(on_entity<RoleKind, i::op::DeleteRole>(deps),
                                  [&deps](const Context& context, auto in) {
                                    return delete_role(deps, context, std::move(in));
                                  });
  registry.add<i::op::ListInstanceProfilesForRole>(
      on_entity<RoleKind, i::op::ListInstanceProfilesForRole>(deps),
      [&deps](const Context& context, auto in) {
        return list_profiles(deps, context, std::move(in));
      });
}

}  // namespace services::iam
