// CreateGroup, GetGroup, UpdateGroup, DeleteGroup, ListGroups, AddUserToGroup, RemoveUserFromGroup.
#include <fmt/format.h>

#include <algorithm>

#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using wire::Context;

i::Group render(const Directory& all, const identity::Group& group) {
  return {.path = group.path,
          .group_name = group.name,
          .group_id = group.id,
          .arn = all.arn_of(group),
          .create_date = group.created};
}

Answer<i::op::CreateGroup::Output> create_group(const Deps& deps, const Context&,
                                                i::op::CreateGroup::Input input) {
  identity::Group group;
  group.name = *input.group_name;
  group.path = input.path.value_or("/");
  group.id = deps.identity.new_id("AGPA");
  group.created = deps.clock.now();
  const auto done = co_await deps.identity.edit([&group](Edit& edit) -> api::Outcome<void> {
    if (edit.directory().group(group.name) != nullptr)
      return std::unexpected(
          i::entity_already_exists(fmt::format("Group with name {} already exists.", group.name)));
    edit.put(group);
    return {};
  });
  if (!done) co_return std::unexpected(done.error());
  i::op::CreateGroup::Output output;
  output.group = render(*deps.identity.directory(), group);
  co_return output;
}

Answer<i::op::GetGroup::Output> get_group(const Deps& deps, const Context&,
                                          i::op::GetGroup::Input input) {
  const auto all = deps.identity.directory();
  const auto group = find<GroupKind>(*all, *input.group_name);
  if (!group) co_return std::unexpected(group.error());
  i::op::GetGroup::Output output;
  output.group = render(*all, **group);
  auto& users = output.users.emplace();
  page(output, input.marker, input.max_items, all->users, [&](const auto& entry) {
    const identity::User& user = *entry.second;
    if (!user.groups.contains((*group)->name)) return false;
    auto& out = users.emplace_back();
    out.path = user.path;
    out.user_name = user.name;
    out.user_id = user.id;
    out.arn = all->arn_of(user);
    out.create_date = user.created;
    return true;
  });
  co_return output;
}

Answer<i::op::ListGroups::Output> list_groups(const Deps& deps, const Context&,
                                              i::op::ListGroups::Input input) {
  const auto all = deps.identity.directory();
  i::op::ListGroups::Output output;
  auto& groups = output.groups.emplace();
  const std::string prefix = input.path_prefix.value_or("/");
  page(output, input.marker, input.max_items, all->groups, [&](const auto& entry) {
    if (!entry.second->path.starts_with(prefix)) return false;
    groups.push_back(render(*all, *entry.second));
    return true;
  });
  co_return output;
}

Answer<i::op::UpdateGroup::Output> update_group(const Deps& deps, const Context&,
                                                i::op::UpdateGroup::Input input) {
  return edit<i::op::UpdateGroup::Output>(deps, [input](Edit& edit) -> api::Outcome<void> {
    const auto found = find<GroupKind>(edit.directory(), *input.group_name);
    if (!found) return std::unexpected(found.error());
    identity::Group group = **found;
    if (input.new_path) group.path = *input.new_path;
    if (input.new_group_name && *input.new_group_name != group.name) {
      const std::string before = group.name;
      if (edit.directory().group(*input.new_group_name) != nullptr)
        return std::unexpected(i::entity_already_exists(
            fmt::format("Group with name {} already exists.", *input.new_group_name)));
      edit.erase_group(before);
      group.name = *input.new_group_name;
      const auto users = edit.directory().users;
      for (const auto& [name, member] : users) {
        if (!member->groups.contains(before)) continue;
        identity::User user = *member;
        user.groups.erase(before);
        user.groups.insert(group.name);
        edit.put(std::move(user));
      }
    }
    edit.put(std::move(group));
    return {};
  });
}

Answer<i::op::DeleteGroup::Output> delete_group(const Deps& deps, const Context&,
                                                i::op::DeleteGroup::Input input) {
  return edit<i::op::DeleteGroup::Output>(deps, [input](Edit& edit) -> api::Outcome<void> {
    const auto found = find<GroupKind>(edit.directory(), *input.group_name);
    if (!found) return std::unexpected(found.error());
    const identity::Group& group = **found;
    const bool has_members = std::ranges::any_of(edit.directory().users, [&](const auto& entry) {
      return entry.second->groups.contains(group.name);
    });
    if (has_members)
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must remove users from group first."));
    if (!group.attached.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must detach all policies first."));
    if (!group.inline_policies.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must delete policies first."));
    edit.erase_group(std::string(group.name));
    return {};
  });
}

// Both directions of membership.
template <class Output, class Input>
Answer<Output> change_membership(const Deps& deps, const Context&, Input input, bool add) {
  return edit<Output>(deps, [input, add](Edit& edit) -> api::Outcome<void> {
    const auto group = find<GroupKind>(edit.directory(), *input.group_name);
    if (!group) return std::unexpected(group.error());
    const auto found = find<UserKind>(edit.directory(), *input.user_name);
    if (!found) return std::unexpected(found.error());
    identity::User user = **found;
    if (add) user.groups.insert(*input.group_name);
    else user.groups.erase(*input.group_name);
    edit.put(std::move(user));
    return {};
  });
}

}  // namespace

void register_groups(wire::Registry& registry, const Deps& deps) {
  registry.add<i::op::CreateGroup>(
      [](const Context& context, const auto& input) -> wire::Checks {
        return {{.action = "iam:CreateGroup",
                 .resource = auth::group_arn(context.account_id, input.path.value_or("/"),
                                             *input.group_name)}};
      },
      [&deps](const Context& context, auto in) {
        return create_group(deps, context, std::move(in));
      });
  registry.add<i::op::GetGroup>(
      on_entity<GroupKind, i::op::GetGroup>(deps),
      [&deps](const Context& context, auto in) { return get_group(deps, context, std::move(in)); });
  registry.add<i::op::ListGroups>(on_any<i::op::ListGroups>(),
                                  [&deps](const Context& context, auto in) {
                                    return list_groups(deps, context, std::move(in));
                                  });
  registry.add<i::op::UpdateGroup>(on_entity<GroupKind, i::op::UpdateGroup>(deps),
                                   [&deps](const Context& context, auto in) {
                                     return update_group(deps, context, std::move(in));
                                   });
  registry.add<i::op::DeleteGroup>(on_entity<GroupKind, i::op::DeleteGroup>(deps),
                                   [&deps](const Context& context, auto in) {
                                     return delete_group(deps, context, std::move(in));
                                   });
  registry.add<i::op::AddUserToGroup>(
      on_entity<GroupKind, i::op::AddUserToGroup>(deps), [&deps](const Context& context, auto in) {
        return change_membership<i::op::AddUserToGroup::Output>(deps, context, std::move(in), true);
      });
  registry.add<i::op::RemoveUserFromGroup>(
      on_entity<GroupKind, i::op::RemoveUserFromGroup>(deps),
      [&deps](const Context& context, auto in) {
        return change_membership<i::op::RemoveUserFromGroup::Output>(deps, context, std::move(in),
                                                                     false);
      });
}

}  // namespace services::iam
