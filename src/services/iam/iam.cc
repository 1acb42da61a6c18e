#include "services/iam/iam.h"

#include <fmt/format.h>

namespace services::iam {

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(api::iam::kService, api::iam::operations());
  register_users(registry, deps);
  register_groups(registry, deps);
  register_roles(registry, deps);
  register_keys(registry, deps);
  register_managed_policies(registry, deps);
  register_holder_policies(registry, deps);
  register_tags(registry, deps);
  register_account(registry, deps);
}

api::Error not_found(std::string_view word, const std::string& name) {
  return api::iam::no_such_entity(fmt::format("The {} with name {} cannot be found.", word, name));
}

api::Outcome<identity::PolicyText> parse(const std::string& text, auth::PolicyKind kind) {
  auto parsed = auth::parse_policy(text, kind);
  if (!parsed) return std::unexpected(std::move(parsed).error());
  return identity::PolicyText{text,
                              std::make_shared<const auth::PolicyDocument>(*std::move(parsed))};
}

std::vector<api::iam::Tag> render_tags(const identity::Tags& tags) {
  std::vector<api::iam::Tag> out;
  for (const auto& [key, value] : tags) out.push_back({.key = key, .value = value});
  return out;
}

api::Outcome<identity::Tags> read_tags(const std::optional<std::vector<api::iam::Tag>>& tags) {
  identity::Tags out;
  if (!tags) return out;
  for (const auto& tag : *tags)
    if (!out.emplace(*tag.key, *tag.value).second)
      return std::unexpected(api::iam::invalid_input(
          "Duplicate tag keys found. Please note that Tag keys are case insensitive."));
  return out;
}

api::iam::AttachedPermissionsBoundary render_boundary(const std::string& arn) {
  api::iam::AttachedPermissionsBoundary boundary;
  boundary.permissions_boundary_type = "Policy";
  boundary.permissions_boundary_arn = arn;
  return boundary;
}

}  // namespace services::iam
