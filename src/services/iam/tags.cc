// Tags of users, roles and managed policies.
#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using wire::Context;

constexpr std::size_t kTagsMax = 50;

api::Outcome<void> merge(identity::Tags& into, const std::optional<std::vector<i::Tag>>& given) {
  auto tags = read_tags(given);
  if (!tags) return std::unexpected(tags.error());
  for (auto& [key, value] : *tags) into[key] = std::move(value);
  if (into.size() > kTagsMax)
    return std::unexpected(i::limit_exceeded("The number of tags has reached the maximum limit."));
  return {};
}

template <class Kind, class Op, class How>
void add(wire::Registry& registry, const Deps& deps, How how) {
  registry.add<Op>(on_entity<Kind, Op>(deps), [&deps, how](const Context& context, auto input) {
    const std::string name = Kind::name(context, input);
    return edit<typename Op::Output>(deps, [name, input, how](Edit& edit) -> api::Outcome<void> {
      const auto found = find<Kind>(edit.directory(), name);
      if (!found) return std::unexpected(found.error());
      auto entity = **found;
      auto changed = how(entity.tags, input);
      if (!changed) return changed;
      edit.put(std::move(entity));
      return {};
    });
  });
}

template <class Op, class How>
void add_for_policy(wire::Registry& registry, const Deps& deps, How how) {
  registry.add<Op>(on_policy<Op>(), [&deps, how](const Context&, auto input) {
    return edit<typename Op::Output>(deps, [input, how](Edit& edit) -> api::Outcome<void> {
      const auto* const found = edit.directory().policy(*input.policy_arn);
      if (found == nullptr || found->aws_managed)
        return std::unexpected(
            i::no_such_entity("Policy " + *input.policy_arn + " was not found."));
      auto policy = *found;
      auto changed = how(policy.tags, input);
      if (!changed) return changed;
      edit.put(std::move(policy));
      return {};
    });
  });
}

template <class Kind, class Op>
void add_list(wire::Registry& registry, const Deps& deps) {
  registry.add<Op>(on_entity<Kind, Op>(deps),
                   [&deps](const Context& context, auto input) -> Answer<typename Op::Output> {
                     return [](const Deps& d, std::string name) -> Answer<typename Op::Output> {
                       const auto all = d.identity.directory();
                       const auto found = find<Kind>(*all, name);
                       if (!found) co_return std::unexpected(found.error());
                       typename Op::Output output;
                       output.tags = render_tags((*found)->tags);
                       output.is_truncated = false;
                       co_return output;
                     }(deps, Kind::name(context, input));
                   });
}

Answer<i::op::ListPolicyTags::Output> list_policy_tags(const Deps& deps, std::string arn) {
  const auto all = deps.identity.directory();
  const auto* const policy = all->policy(arn);
  if (policy == nullptr)
    co_return std::unexpected(i::no_such_entity("Policy " + arn + " was not found."));
  i::op::ListPolicyTags::Output output;
  output.tags = render_tags(policy->tags);
  output.is_truncated = false;
  co_return output;
}

}  // namespace

void register_tags(wire::Registry& registry, const Deps& deps) {
  const auto put = [](identity::Tags& tags, const auto& input) { return merge(tags, input.tags); };
  const auto take = [](identity::Tags& tags, const auto& input) -> api::Outcome<void> {
    for (const std::string& key : *input.tag_keys) tags.erase(key);
    return {};
  };
  add<UserKind, i::op::TagUser>(registry, deps, put);
  add<UserKind, i::op::UntagUser>(registry, deps, take);
  add<RoleKind, i::op::TagRole>(registry, deps, put);
  add<RoleKind, i::op::UntagRole>(registry, deps, take);
  add_for_policy<i::op::TagPolicy>(registry, deps, put);
  add_for_policy<i::op::UntagPolicy>(registry, deps, take);
  add_list<UserKind, i::op::ListUserTags>(registry, deps);
  add_list<RoleKind, i::op::ListRoleTags>(registry, deps);
  registry.add<i::op::ListPolicyTags>(
      on_policy<i::op::ListPolicyTags>(),
      [&deps](const Context&, auto in) { return list_policy_tags(deps, *in.policy_arn); });
}

}  // namespace services::iam
