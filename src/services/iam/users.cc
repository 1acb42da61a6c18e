// CreateUser, GetUser, UpdateUser, DeleteUser, ListUsers, ListGroupsForUser, permissions boundary.
#include <fmt/format.h>

#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using wire::Context;

i::User render(const Directory& all, const identity::User& user) {
  i::User out;
  out.path = user.path;
  out.user_name = user.name;
  out.user_id = user.id;
  out.arn = all.arn_of(user);
  out.create_date = user.created;
  if (!user.tags.empty()) out.tags = render_tags(user.tags);
  if (!user.boundary.empty()) out.permissions_boundary = render_boundary(user.boundary);
  return out;
}

Answer<i::op::CreateUser::Output> create_user(const Deps& deps, const Context&,
                                              i::op::CreateUser::Input input) {
  auto tags = read_tags(input.tags);
  if (!tags) co_return std::unexpected(tags.error());
  identity::User user;
  user.name = *input.user_name;
  user.path = input.path.value_or("/");
  user.id = deps.identity.new_id("AIDA");
  user.created = deps.clock.now();
  user.tags = *std::move(tags);
  user.boundary = input.permissions_boundary.value_or("");
  const auto done = co_await deps.identity.edit([&user](Edit& edit) -> api::Outcome<void> {
    if (edit.directory().user(user.name) != nullptr)
      return std::unexpected(
          i::entity_already_exists(fmt::format("User with name {} already exists.", user.name)));
    if (!user.boundary.empty() && edit.directory().policy(user.boundary) == nullptr)
      return std::unexpected(i::no_such_entity(
          fmt::format("Scope ARN: {} does not exist or is not attachable.", user.boundary)));
    edit.put(user);
    return {};
  });
  if (!done) co_return std::unexpected(done.error());
  i::op::CreateUser::Output output;
  output.user = render(*deps.identity.directory(), user);
  co_return output;
}

Answer<i::op::GetUser::Output> get_user(const Deps& deps, const Context& context,
                                        i::op::GetUser::Input input) {
  const auto all = deps.identity.directory();
  i::op::GetUser::Output output;
  if (!input.user_name && context.principal->kind == auth::PrincipalKind::kRoot) {
    auto& root = output.user.emplace();
    root.user_id = context.account_id;
    root.arn = context.principal->arn;
    root.create_date = base::Timestamp();
    co_return output;
  }
  const auto user = find<UserKind>(*all, UserKind::name(context, input));
  if (!user) co_return std::unexpected(user.error());
  output.user = render(*all, **user);
  co_return output;
}

Answer<i::op::ListUsers::Output> list_users(const Deps& deps, const Context&,
                                            i::op::ListUsers::Input input) {
  const auto all = deps.identity.directory();
  i::op::ListUsers::Output output;
  auto& users = output.users.emplace();
  const std::string prefix = input.path_prefix.value_or("/");
  page(output, input.marker, input.max_items, all->users, [&](const auto& entry) {
    if (!entry.second->path.starts_with(prefix)) return false;
    i::User user = render(*all, *entry.second);
    user.tags.reset();
    user.permissions_boundary.reset();
    users.push_back(std::move(user));
    return true;
  });
  co_return output;
}

Answer<i::op::UpdateUser::Output> update_user(const Deps& deps, const Context&,
                                              i::op::UpdateUser::Input input) {
  return edit<i::op::UpdateUser::Output>(deps, [input](Edit& edit) -> api::Outcome<void> {
    const auto found = find<UserKind>(edit.directory(), *input.user_name);
    if (!found) return std::unexpected(found.error());
    identity::User user = **found;
    if (input.new_path) user.path = *input.new_path;
    if (input.new_user_name && *input.new_user_name != user.name) {
      if (edit.directory().user(*input.new_user_name) != nullptr)
        return std::unexpected(i::entity_already_exists(
            fmt::format("User with name {} already exists.", *input.new_user_name)));
      edit.erase_user(user.name);
      user.name = *input.new_user_name;
    }
    edit.put(std::move(user));
    return {};
  });
}

Answer<i::op::DeleteUser::Output> delete_user(const Deps& deps, const Context&,
                                              i::op::DeleteUser::Input input) {
  return edit<i::op::DeleteUser::Output>(deps, [input](Edit& edit) -> api::Outcome<void> {
    const auto found = find<UserKind>(edit.directory(), *input.user_name);
    if (!found) return std::unexpected(found.error());
    const identity::User& user = **found;
    if (!user.attached.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must detach all policies first."));
    if (!user.inline_policies.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must delete policies first."));
    if (!user.keys.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must delete access keys first."));
    if (!user.groups.empty())
      return std::unexpected(
          i::delete_conflict("Cannot delete entity, must remove users from group first."));
    edit.erase_user(std::string(user.name));
    return {};
  });
}

Answer<i::op::ListGroupsForUser::Output> list_groups(const Deps& deps, const Context& context,
                                                     i::op::ListGroupsForUser::Input input) {
  const auto all = deps.identity.directory();
  const auto user = find<UserKind>(*all, UserKind::name(context, input));
  if (!user) co_return std::unexpected(user.error());
  i::op::ListGroupsForUser::Output output;
  auto& groups = output.groups.emplace();
  page(output, input.marker, input.max_items, all->groups, [&](const auto& entry) {
    if (!(*user)->groups.contains(entry.first)) return false;
    groups.push_back({.path = entry.second->path,
                      .group_name = entry.first,
                      .group_id = entry.second->id,
                      .arn = all->arn_of(*entry.second),
                      .create_date = entry.second->created});
    return true;
  });
  co_return output;
}

template <class Kind, class Op>
void add_boundary(wire::Registry& registry, const Deps& deps) {
  registry.add<Op>(on_entity<Kind, Op>(deps), [&deps](const Context& context, auto input) {
    const std::string name = Kind::name(context, input);
    const auto change = [name, input](Edit& edit) -> api::Outcome<void> {
      const auto found = find<Kind>(edit.directory(), name);
      if (!found) return std::unexpected(found.error());
      auto entity = **found;
      if constexpr (requires { input.permissions_boundary; }) {
        if (edit.directory().policy(*input.permissions_boundary) == nullptr)
          return std::unexpected(i::no_such_entity(fmt::format(
              "Scope ARN: {} does not exist or is not attachable.", *input.permissions_boundary)));
        entity.boundary = *input.permissions_boundary;
      } else {
        entity.boundary.clear();
      }
      edit.put(std::move(entity));
      return {};
    };
    return edit<typename Op::Output>(deps, change);
  });
}

}  // namespace

void register_users(wire::Registry& registry, const Deps& deps) {
  registry.add<i::op::CreateUser>(
      [](const Context& context, const auto& input) -> wire::Checks {
        return {{.action = "iam:CreateUser",
                 .resource = auth::user_arn(context.account_id, input.path.value_or("/"),
                                            *input.user_name)}};
      },
      [&deps](const Context& context, auto in) {
        return create_user(deps, context, std::move(in));
      });
  registry.add<i::op::GetUser>(
      on_entity<UserKind, i::op::GetUser>(deps),
      [&deps](const Context& context, auto in) { return get_user(deps, context, std::move(in)); });
  registry.add<i::op::ListUsers>(on_any<i::op::ListUsers>(),
                                 [&deps](const Context& context, auto in) {
                                   return list_users(deps, context, std::move(in));
                                 });
  registry.add<i::op::UpdateUser>(on_entity<UserKind, i::op::UpdateUser>(deps),
                                  [&deps](const Context& context, auto in) {
                                    return update_user(deps, context, std::move(in));
                                  });
  registry.add<i::op::DeleteUser>(on_entity<UserKind, i::op::DeleteUser>(deps),
                                  [&deps](const Context& context, auto in) {
                                    return delete_user(deps, context, std::move(in));
                                  });
  registry.add<i::op::ListGroupsForUser>(on_entity<UserKind, i::op::ListGroupsForUser>(deps),
                                         [&deps](const Context& context, auto in) {
                                           return list_groups(deps, context, std::move(in));
                                         });
  add_boundary<UserKind, i::op::PutUserPermissionsBoundary>(registry, deps);
  add_boundary<UserKind, i::op::DeleteUserPermissionsBoundary>(registry, deps);
  add_boundary<RoleKind, i::op::PutRolePermissionsBoundary>(registry, deps);
  add_boundary<RoleKind, i::op::DeleteRolePermissionsBoundary>(registry, deps);
}

}  // namespace services::iam
