// Inline and attached policies of users, groups and roles: the same five operations three times.
#include <fmt/format.h>

#include <charconv>

#include "base/encoding.h"
#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using wire::Context;

// The characters of all inline policies together, white space apart, as AWS counts them.
template <class Kind>
constexpr std::size_t inline_limit() {
  if constexpr (std::is_same_v<Kind, UserKind>) return 2048;
  else if constexpr (std::is_same_v<Kind, GroupKind>) return 5120;
  else return 10240;
}
constexpr std::size_t kAttachedMax = 10;

std::size_t counted(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += c != ' ' && c != '\n' && c != '\t' && c != '\r';
  return count;
}

template <class Kind>
api::Error no_inline(const std::string& policy) {
  return i::no_such_entity(
      fmt::format("The {} policy with name {} cannot be found.", Kind::kWord, policy));
}

template <class Kind>
std::function<api::Outcome<void>(Edit&)> changing(
    std::string name, std::function<api::Outcome<void>(typename Kind::Entity&, const Edit&)> how) {
  return [name = std::move(name), how = std::move(how)](Edit& edit) -> api::Outcome<void> {
    const auto found = find<Kind>(edit.directory(), name);
    if (!found) return std::unexpected(found.error());
    auto entity = **found;
    auto changed = how(entity, edit);
    if (!changed) return changed;
    edit.put(std::move(entity));
    return {};
  };
}

template <class Kind, class Op>
void add_put(wire::Registry& registry, const Deps& deps) {
  registry.add<Op>(on_entity<Kind, Op>(deps), [&deps](const Context& context, auto input) {
    const auto how = [input](auto& entity, const Edit&) -> api::Outcome<void> {
      auto policy = parse(*input.policy_document, auth::PolicyKind::kIdentity);
      if (!policy) return std::unexpected(policy.error());
      entity.inline_policies[*input.policy_name] = *std::move(policy);
      std::size_t total = 0;
      for (const auto& [name, held] : entity.inline_policies) total += counted(held.text);
      if (total > inline_limit<Kind>())
        return std::unexpected(
            i::limit_exceeded(fmt::format("Maximum policy size of {} bytes exceeded for {} {}",
                                          inline_limit<Kind>(), Kind::kWord, entity.name)));
      return {};
    };
    return edit<typename Op::Output>(deps, changing<Kind>(Kind::name(context, input), how));
  });
}

template <class Kind, class Op>
void add_delete(wire::Registry& registry, const Deps& deps) {
  registry.add<Op>(on_entity<Kind, Op>(deps), [&deps](const Context& context, auto input) {
    const auto how = [input](auto& entity, const Edit&) -> api::Outcome<void> {
      if (entity.inline_policies.erase(*input.policy_name) == 0)
        return std::unexpected(no_inline<Kind>(*input.policy_name));
      return {};
    };
    return edit<typename Op::Output>(deps, changing<Kind>(Kind::name(context, input), how));
  });
}

void set_name(const UserKind&, auto& output, const std::string& name) { output.user_name = name; }
void set_name(const GroupKind&, auto& output, const std::string& name) { output.group_name = name; }
void set_name(const RoleKind&, auto& output, const std::string& name) { output.role_name = name; }

template <class Kind, class Op>
Answer<typename Op::Output> get_inline(const Deps& deps, const Context& context,
                                       typename Op::Input input) {
  const auto all = deps.identity.directory();
  const auto entity = find<Kind>(*all, Kind::name(context, input));
  if (!entity) co_return std::unexpected(entity.error());
  const auto policy = (*entity)->inline_policies.find(*input.policy_name);
  if (policy == (*entity)->inline_policies.end())
    co_return std::unexpected(no_inline<Kind>(*input.policy_name));
  typename Op::Output output;
  set_name(Kind(), output, (*entity)->name);
  output.policy_name = policy->first;
  output.policy_document = base::uri_encode(policy->second.text);
  co_return output;
}

template <class Kind, class Op>
Answer<typename Op::Output> list_inline(const Deps& deps, const Context& context,
                                        typename Op::Input input) {
  const auto all = deps.identity.directory();
  const auto entity = find<Kind>(*all, Kind::name(context, input));
  if (!entity) co_return std::unexpected(entity.error());
  typename Op::Output output;
  auto& names = output.policy_names.emplace();
  page(output, input.marker, input.max_items, (*entity)->inline_policies, [&](const auto& entry) {
    names.push_back(entry.first);
    return true;
  });
  co_return output;
}

api::Error not_attachable(const std::string& arn) {
  if (!auth::parse_arn(arn))
    return {.code = "ValidationError",
            .status = 400,
            .message = fmt::format("Invalid ARN:  Could not be parsed!"),
            .detail = nullptr};
  return i::no_such_entity(fmt::format("Policy {} does not exist or is not attachable.", arn));
}

template <class Kind, class Op>
void add_attach(wire::Registry& registry, const Deps& deps) {
  const auto permission = [&deps](const Context& context,
                                  const typename Op::Input& input) -> wire::Checks {
    return {{.action = "iam:" + std::string(Op::info().name),
             .resource = arn_for<Kind>(deps, Kind::name(context, input)),
             .context = {{.key = "iam:PolicyARN", .values = {*input.policy_arn}}}}};
  };
  registry.add<Op>(permission, [&deps](const Context& context, auto input) {
    const auto how = [input](auto& entity, const Edit& edit) -> api::Outcome<void> {
      if (edit.directory().policy(*input.policy_arn) == nullptr)
        return std::unexpected(not_attachable(*input.policy_arn));
      entity.attached.insert(*input.policy_arn);
      if (entity.attached.size() > kAttachedMax)
        return std::unexpected(
            i::limit_exceeded(fmt::format("Cannot exceed quota for PoliciesPer{}: {}",
                                          std::is_same_v<Kind, UserKind>    ? "User"
                                          : std::is_same_v<Kind, GroupKind> ? "Group"
                                                                            : "Role",
                                          kAttachedMax)));
      return {};
    };
    return edit<typename Op::Output>(deps, changing<Kind>(Kind::name(context, input), how));
  });
}

template <class Kind, class Op>
void add_detach(wire::Registry& registry, const Deps& deps) {
  registry.add<Op>(on_entity<Kind, Op>(deps), [&deps](const Context& context, auto input) {
    const auto how = [input](auto& entity, const Edit&) -> api::Outcome<void> {
      if (entity.attached.erase(*input.policy_arn) == 0)
        return std::unexpected(
            i::no_such_entity(fmt::format("Policy {} was not found.", *input.policy_arn)));
      return {};
    };
    return edit<typename Op::Output>(deps, changing<Kind>(Kind::name(context, input), how));
  });
}

template <class Kind, class Op>
Answer<typename Op::Output> list_attached(const Deps& deps, const Context& context,
                                          typename Op::Input input) {
  const auto all = deps.identity.directory();
  const auto entity = find<Kind>(*all, Kind::name(context, input));
  if (!entity) co_return std::unexpected(entity.error());
  typename Op::Output output;
  auto& attached = output.attached_policies.emplace();
  const std::string prefix = input.path_prefix.value_or("/");
  identity::ByName<identity::ManagedPolicy> held;
  for (const std::string& arn : (*entity)->attached) {
    const auto policy = all->policies.find(arn);
    if (policy != all->policies.end() && policy->second->path.starts_with(prefix))
      held.emplace(policy->second->name, policy->second);
  }
  page(output, input.marker, input.max_items, held, [&](const auto& entry) {
    attached.push_back({.policy_name = entry.first, .policy_arn = entry.second->arn});
    return true;
  });
  co_return output;
}

template <class Kind, class Put, class Get, class Delete, class List, class Attach, class Detach,
          class ListAttached>
void register_kind(wire::Registry& registry, const Deps& deps) {
  add_put<Kind, Put>(registry, deps);
  add_delete<Kind, Delete>(registry, deps);
  add_attach<Kind, Attach>(registry, deps);
  add_detach<Kind, Detach>(registry, deps);
  registry.add<Get>(on_entity<Kind, Get>(deps), [&deps](const Context& context, auto in) {
    return get_inline<Kind, Get>(deps, context, std::move(in));
  });
  registry.add<List>(on_entity<Kind, List>(deps), [&deps](const Context& context, auto in) {
    return list_inline<Kind, List>(deps, context, std::move(in));
  });
  registry.add<ListAttached>(
      on_entity<Kind, ListAttached>(deps), [&deps](const Context& context, auto in) {
        return list_attached<Kind, ListAttached>(deps, context, std::move(in));
      });
}

}  // namespace

void register_holder_policies(wire::Registry& registry, const Deps& deps) {
  register_kind<UserKind, i::op::PutUserPolicy, i::op::GetUserPolicy, i::op::DeleteUserPolicy,
                i::op::ListUserPolicies, i::op::AttachUserPolicy, i::op::DetachUserPolicy,
                i::op::ListAttachedUserPolicies>(registry, deps);
  register_kind<GroupKind, i::op::PutGroupPolicy, i::op::GetGroupPolicy, i::op::DeleteGroupPolicy,
                i::op::ListGroupPolicies, i::op::AttachGroupPolicy, i::op::DetachGroupPolicy,
                i::op::ListAttachedGroupPolicies>(registry, deps);
  register_kind<RoleKind, i::op::PutRolePolicy, i::op::GetRolePolicy, i::op::DeleteRolePolicy,
                i::op::ListRolePolicies, i::op::AttachRolePolicy, i::op::DetachRolePolicy,
                i::op::ListAttachedRolePolicies>(registry, deps);
}

}  // namespace services::iam
