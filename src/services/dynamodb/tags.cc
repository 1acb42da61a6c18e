// TagResource, UntagResource, ListTagsOfResource.

#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

constexpr std::size_t kTagsMax = 50;

api::Outcome<tables::TableName> table_of(const Context& context,
                                         const std::optional<std::string>& arn) {
  const std::string given = arn.value_or("");
  if (!given.starts_with("arn:")) return tables::refuse("ARNs must start with 'arn:': " + given);
  auto name = item_table(context, given);
  if (!name)
    return tables::refuse("Invalid TableArn: Invalid ResourceArn provided as input " + given);
  return name;
}

api::Error not_found(const std::string& arn) {
  return {.code = "ResourceNotFoundException",
          .status = 400,
          .message = "Requested resource not found: ResourcArn: " + arn + " not found"};
}

Answer<d::TagResourceOutput> tag(const Deps& deps, const Context& context,
                                 d::TagResourceInput input) {
  const auto name = table_of(context, input.resource_arn);
  if (!name) co_return std::unexpected(name.error());
  if (input.tags->empty())
    co_return tables::refuse("Atleast one Tag needs to be provided as Input.");
  if (auto wrong = check_tags(*input.tags)) co_return std::unexpected(*std::move(wrong));
  if (!deps.tables.catalogue().find(*name))
    co_return std::unexpected(not_found(*input.resource_arn));
  const auto* const tags = &*input.tags;
  auto changed = co_await deps.tables.catalogue().change(
      *name, [tags](tables::Definition& edited) -> std::optional<api::Error> {
        auto merged = edited.tags;
        for (const auto& one : *tags) merged[*one.key] = one.value.value_or("");
        if (merged.size() > kTagsMax)
          return tables::invalid_parameter("Too many tags: the limit is 50");
        edited.tags = std::move(merged);
        return std::nullopt;
      });
  if (!changed) co_return std::unexpected(std::move(changed).error());
  co_return d::TagResourceOutput();
}

Answer<d::UntagResourceOutput> untag(const Deps& deps, const Context& context,
                                     d::UntagResourceInput input) {
  const auto name = table_of(context, input.resource_arn);
  if (!name) co_return std::unexpected(name.error());
  if (input.tag_keys->empty())
    co_return tables::refuse("Atleast one Tag Key needs to be provided as Input.");
  if (!deps.tables.catalogue().find(*name)) co_return std::unexpected(tables::table_not_found());
  const auto* const keys = &*input.tag_keys;
  auto changed = co_await deps.tables.catalogue().change(
      *name, [keys](tables::Definition& edited) -> std::optional<api::Error> {
        for (const auto& key : *keys) edited.tags.erase(key);
        return std::nullopt;
      });
  if (!changed) co_return std::unexpected(std::move(changed).error());
  co_return d::UntagResourceOutput();
}

Answer<d::ListTagsOfResourceOutput> list(const Deps& deps, const Context& context,
                                         d::ListTagsOfResourceInput input) {
  const auto name = table_of(context, input.resource_arn);
  if (!name) co_return std::unexpected(name.error());
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(not_found(*input.resource_arn));
  d::ListTagsOfResourceOutput output;
  auto& tags = output.tags.emplace();
  for (const auto& [key, value] : table->definition()->tags) {
    auto& one = tags.emplace_back();
    one.key = key;
    one.value = value;
  }
  co_return output;
}

template <class Input>
auto on_resource(const Deps& deps, const char* action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    const auto name = table_of(context, input.resource_arn);
    if (!name) return std::unexpected(name.error());
    return wire::Checks{table_check(deps, action, *name)};
  };
}

}  // namespace

void register_tags(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::TagResource>(
      on_resource<d::TagResourceInput>(deps, "dynamodb:TagResource"),
      [&deps](const Context& context, auto input) { return tag(deps, context, std::move(input)); });
  registry.add<d::op::UntagResource>(
      on_resource<d::UntagResourceInput>(deps, "dynamodb:UntagResource"),
      [&deps](const Context& context, auto input) {
        return untag(deps, context, std::move(input));
      });
  registry.add<d::op::ListTagsOfResource>(
      on_resource<d::ListTagsOfResourceInput>(deps, "dynamodb:ListTagsOfResource"),
      [&deps](const Context& context, auto input) {
        return list(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
