// Tags of log groups, by name in the group's own operations and by ARN in the common ones.
#include "api/logs/errors.h"
#include "services/logs/logs.h"

namespace services::logs {
namespace {

namespace l = api::logs;
using journal::GroupInfo;
using wire::Context;
using Tags = std::map<std::string, std::string>;

constexpr std::size_t kTagsMax = 50;

async::Task<std::optional<api::Error>> add(const Deps& deps, GroupKey key, Tags tags) {
  const auto how = [tags](GroupInfo& info) -> base::Status {
    for (const auto& [name, value] : tags) info.tags[name] = value;
    if (info.tags.size() > kTagsMax) return base::error(base::ErrorCode::kLimit, "tags");
    return {};
  };
  const auto done = co_await deps.journal.update_group(key, how);
  if (!done && done.error().code == base::ErrorCode::kLimit)
    co_return l::too_many_tags("The resource cannot have more than 50 tags.");
  if (!done) co_return to_api_error(deps, done.error(), key);
  co_return std::nullopt;
}

async::Task<std::optional<api::Error>> remove(const Deps& deps, GroupKey key,
                                              std::vector<std::string> names) {
  const auto how = [names](GroupInfo& info) -> base::Status {
    for (const std::string& name : names) info.tags.erase(name);
    return {};
  };
  const auto done = co_await deps.journal.update_group(key, how);
  if (!done) co_return to_api_error(deps, done.error(), key);
  co_return std::nullopt;
}

api::Outcome<GroupKey> resource_key(const std::string& arn) {
  auto key = parse_group_arn(arn);
  if (!key) return std::unexpected(l::invalid_parameter("The specified ARN is not valid."));
  return *std::move(key);
}

template <class Output, class Input>
Answer<Output> tag_named(const Deps& deps, const Context& context, Input input) {
  auto failed = co_await add(deps, {context.account_id, context.region, *input.log_group_name},
                             *std::move(input.tags));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return Output();
}

template <class Output, class Input>
Answer<Output> untag_named(const Deps& deps, const Context& context, Input input) {
  auto failed = co_await remove(deps, {context.account_id, context.region, *input.log_group_name},
                                *std::move(input.tags));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return Output();
}

Answer<l::ListTagsLogGroupResponse> list_named(const Deps& deps, const Context& context,
                                               l::ListTagsLogGroupRequest input) {
  const auto group = find_group(deps, {context.account_id, context.region, *input.log_group_name});
  if (!group) co_return std::unexpected(group.error());
  l::ListTagsLogGroupResponse output;
  output.tags = (*group)->info.tags;
  co_return output;
}

Answer<l::TagResourceOutput> tag_resource(const Deps& deps, const Context&,
                                          l::TagResourceRequest input) {
  const auto key = resource_key(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  auto failed = co_await add(deps, *key, *std::move(input.tags));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return l::TagResourceOutput();
}

Answer<l::UntagResourceOutput> untag_resource(const Deps& deps, const Context&,
                                              l::UntagResourceRequest input) {
  const auto key = resource_key(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  auto failed = co_await remove(deps, *key, *std::move(input.tag_keys));
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return l::UntagResourceOutput();
}

Answer<l::ListTagsForResourceResponse> list_resource(const Deps& deps, const Context&,
                                                     l::ListTagsForResourceRequest input) {
  const auto key = resource_key(*input.resource_arn);
  if (!key) co_return std::unexpected(key.error());
  const auto group = find_group(deps, *key);
  if (!group) co_return std::unexpected(group.error());
  l::ListTagsForResourceResponse output;
  output.tags = (*group)->info.tags;
  co_return output;
}

// By ARN AWS asks for the group's ARN as it is, without ":*".
template <class Input>
auto on_resource(std::string action) {
  return [action = std::move(action)](const Context&,
                                      const Input& input) -> api::Outcome<wire::Checks> {
    const auto key = resource_key(*input.resource_arn);
    if (!key) return std::unexpected(key.error());
    return wire::Checks{check_on(action, *key, key->arn())};
  };
}

void register_named(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::TagLogGroup>(on_group<l::TagLogGroupRequest>("logs:TagLogGroup"),
                                   [&deps](const Context& context, auto input) {
                                     return tag_named<l::TagLogGroupOutput>(deps, context,
                                                                            std::move(input));
                                   });
  registry.add<l::op::UntagLogGroup>(on_group<l::UntagLogGroupRequest>("logs:UntagLogGroup"),
                                     [&deps](const Context& context, auto input) {
                                       return untag_named<l::UntagLogGroupOutput>(deps, context,
                                                                                  std::move(input));
                                     });
  registry.add<l::op::ListTagsLogGroup>(
      on_group<l::ListTagsLogGroupRequest>("logs:ListTagsLogGroup"),
      [&deps](const Context& context, auto input) {
        return list_named(deps, context, std::move(input));
      });
}

}  // namespace

void register_tags(wire::Registry& registry, const Deps& deps) {
  register_named(registry, deps);
  registry.add<l::op::TagResource>(on_resource<l::TagResourceRequest>("logs:TagResource"),
                                   [&deps](const Context& context, auto input) {
                                     return tag_resource(deps, context, std::move(input));
                                   });
  registry.add<l::op::UntagResource>(on_resource<l::UntagResourceRequest>("logs:UntagResource"),
                                     [&deps](const Context& context, auto input) {
                                       return untag_resource(deps, context, std::move(input));
                                     });
  registry.add<l::op::ListTagsForResource>(
      on_resource<l::ListTagsForResourceRequest>("logs:ListTagsForResource"),
      [&deps](const Context& context, auto input) {
        return list_resource(deps, context, std::move(input));
      });
}

}  // namespace services::logs
