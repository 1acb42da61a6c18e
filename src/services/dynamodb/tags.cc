// TagResource, UntagResource, ListTagsOfResource. Tags are checked here and not by the validator:
// AWS does so too, in words of its own.

#include <algorithm>
#include <set>

#include "api/dynamodb/errors.h"
#include "services/dynamodb/schema.h"
#include "wire/validate.h"

namespace services::dynamodb {

namespace {

using Wrong = std::optional<api::Error>;

constexpr std::size_t kTagsMax = 50;
constexpr std::size_t kKeyMax = 128;
constexpr std::size_t kValueMax = 256;

// Letters, digits and spaces of all scripts, and a few signs; `max` characters.
bool is_tag_text(const std::string& text, std::size_t max) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; };
  const auto bytes = static_cast<std::size_t>(std::ranges::count_if(text, continues));
  return text.size() - bytes <= max &&
         wire::matches_pattern("[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*", text) == true;
}

Wrong check_key(const std::optional<std::string>& key) {
  if (!key || key->empty() || !is_tag_text(*key, kKeyMax))
    return tables::validation("The Tag Key provided is invalid, Key: " + key.value_or("null"));
  constexpr std::string_view kReserved = "aws:";
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  const bool reserved =
      key->size() >= kReserved.size() &&
      std::ranges::equal(kReserved, key->substr(0, kReserved.size()), {}, {}, lower);
  if (reserved) return tables::validation("Tag Key cannot be prefixed with aws:, Key: " + *key);
  return std::nullopt;
}

api::Error too_many_tags() {
  return tables::validation("Number of Tags exceed the current limit for the provided ResourceArn");
}

api::Outcome<tables::TableName> table_of(const Context& context,
                                         const std::optional<std::string>& arn) {
  const std::string given = arn.value_or("");
  const auto invalid = [&](std::string_view what) {
    return std::unexpected(tables::invalid_parameter(std::string(what) + given));
  };
  if (!given.starts_with("arn:")) return invalid("ARNs must start with 'arn:': ");
  const auto parts = auth::parse_arn(given);
  if (parts && parts->service == "dynamodb" && parts->resource.find("/index/") != std::string::npos)
    return invalid(
        "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: ");
  if (!parts || parts->service != "dynamodb" ||
      parts->resource.find("/backup/") != std::string::npos)
    return invalid("Provided Arn is not a DynamoDB resource arn: ");
  auto name = item_table(context, given);
  if (!name || name->region != context.region)
    return tables::refuse("Invalid TableArn: Invalid ResourceArn provided as input " + given);
  return name;
}

api::Error not_found(const std::string& arn) {
  return d::resource_not_found("Requested resource not found: ResourceArn: " + arn + " not found");
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
        if (merged.size() > kTagsMax) return too_many_tags();
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
  if (input.tag_keys->size() > kTagsMax) co_return std::unexpected(too_many_tags());
  for (const auto& key : *input.tag_keys) {
    if (auto wrong = check_key(key)) co_return std::unexpected(*std::move(wrong));
  }
  if (!deps.tables.catalogue().find(*name))
    co_return std::unexpected(not_found(*input.resource_arn));
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

std::optional<api::Error> check_tags(const std::vector<d::Tag>& tags) {
  std::set<std::string> seen;
  for (const auto& tag : tags) {
    if (auto wrong = check_key(tag.key)) return wrong;
    if (!tag.value || !is_tag_text(*tag.value, kValueMax))
      return tables::validation("The Tag Value provided is invalid, Value: " +
                                tag.value.value_or("null"));
    if (!seen.insert(*tag.key).second)
      return tables::validation("Duplicate Tag Keys provided as input: Duplicate Tag Key found " +
                                *tag.key);
  }
  if (seen.size() > kTagsMax) return too_many_tags();
  return std::nullopt;
}

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
