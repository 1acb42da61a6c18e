// CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases.
#include <fmt/format.h>

#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

using functions::Alias;
constexpr std::size_t kPageMax = 50;

std::string alias_arn(const FunctionKey& key, const std::string& name) {
  return key.arn() + ':' + name;
}

api::Error no_alias(const FunctionKey& key, const std::string& name) {
  return l::resource_not_found("Cannot find alias arn: " + alias_arn(key, name));
}

bool has_version(const Function& function, const std::string& version) {
  return function.alias(version) == nullptr && function.resolve(version) != nullptr;
}

// The versions an alias leads to.
api::Outcome<void> aim(const Function& function, Alias& alias,
                       const std::optional<std::string>& version,
                       const std::optional<l::AliasRoutingConfiguration>& routing) {
  if (version) alias.version = *version;
  if (!has_version(function, alias.version))
    return std::unexpected(functions::function_not_found(alias_arn(function.key, alias.version)));
  if (!routing) return {};
  alias.weights = routing->additional_version_weights.value_or(std::map<std::string, double>());
  if (alias.weights.empty()) return {};
  if (alias.weights.size() > 1)
    return std::unexpected(l::invalid_parameter_value(
        "Number of items in AdditionalVersionWeights cannot be greater than 1"));
  const std::string& other = alias.weights.begin()->first;
  if (alias.version == functions::kLatest)
    return std::unexpected(l::invalid_parameter_value(
        "$LATEST is not supported for an alias pointing to more than 1 version"));
  if (other == alias.version)
    return std::unexpected(l::invalid_parameter_value(
        fmt::format("Invalid function version {}. Function version {} is already included in "
                    "routing configuration.",
                    other, other)));
  if (!has_version(function, other))
    return std::unexpected(functions::function_not_found(alias_arn(function.key, other)));
  return {};
}

Answer<l::AliasConfiguration> create(const Deps& deps, const Context& context,
                                     l::CreateAliasRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const std::string name = *input.name;
  if (deps.catalogue.find(target->key) == nullptr)
    co_return std::unexpected(
        functions::function_not_found(alias_arn(target->key, *input.function_version)));
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        if (function.alias(name) != nullptr)
          return std::unexpected(
              l::resource_conflict("Alias already exists: " + alias_arn(target->key, name)));
        Alias alias{.name = name,
                    .version = {},
                    .description = input.description.value_or(""),
                    .revision_id = base::uuid(deps.random),
                    .weights = {}};
        auto aimed = aim(function, alias, input.function_version, input.routing_config);
        if (!aimed) return aimed;
        function.aliases.emplace(name, std::move(alias));
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return render(target->key, *(*changed)->alias(name));
}

Answer<l::AliasConfiguration> get(const Deps& deps, const Context& context,
                                  l::GetAliasRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const FunctionPtr function = deps.catalogue.find(target->key);
  const Alias* const alias = function == nullptr ? nullptr : function->alias(*input.name);
  if (alias == nullptr) co_return std::unexpected(no_alias(target->key, *input.name));
  co_return render(target->key, *alias);
}

Answer<l::AliasConfiguration> update(const Deps& deps, const Context& context,
                                     l::UpdateAliasRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        const auto found = function.aliases.find(*input.name);
        if (found == function.aliases.end())
          return std::unexpected(
              l::resource_not_found("Alias not found: " + alias_arn(target->key, *input.name)));
        Alias& alias = found->second;
        if (input.revision_id && *input.revision_id != alias.revision_id)
          return std::unexpected(stale_revision("GetFunction/GetAlias"));
        if (input.description) alias.description = *input.description;
        alias.revision_id = base::uuid(deps.random);
        return aim(function, alias, input.function_version, input.routing_config);
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return render(target->key, *(*changed)->alias(*input.name));
}

// Success too if there was none.
Answer<l::DeleteAliasOutput> remove(const Deps& deps, const Context& context,
                                    l::DeleteAliasRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        function.aliases.erase(*input.name);
        function.policies.erase(*input.name);
        function.event_configs.erase(*input.name);
        function.urls.erase(*input.name);
        function.provisioned.erase(*input.name);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::DeleteAliasOutput();
}

Answer<l::ListAliasesResponse> list(const Deps& deps, const Context& context,
                                    l::ListAliasesRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const auto function = find_function(deps, *target);
  if (!function) co_return std::unexpected(function.error());
  std::vector<l::AliasConfiguration> all;
  for (const auto& [name, alias] : (*function)->aliases)
    if (!input.function_version || alias.version == *input.function_version)
      all.push_back(render(target->key, alias));
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  auto [page, next] =
      page_of(std::move(all), input.marker, limit, [](const auto& alias) { return *alias.name; });
  l::ListAliasesResponse output;
  output.aliases = std::move(page);
  output.next_marker = std::move(next);
  co_return output;
}

}  // namespace

l::AliasConfiguration render(const FunctionKey& key, const Alias& alias) {
  l::AliasConfiguration out;
  out.alias_arn = alias_arn(key, alias.name);
  out.name = alias.name;
  out.function_version = alias.version;
  out.description = alias.description;
  out.revision_id = alias.revision_id;
  if (!alias.weights.empty())
    out.routing_config.emplace().additional_version_weights = alias.weights;
  return out;
}

void register_aliases(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::CreateAlias>(on_function<l::CreateAliasRequest>(deps, "lambda:CreateAlias"),
                                   [&deps](const Context& context, l::CreateAliasRequest input) {
                                     return create(deps, context, std::move(input));
                                   });
  registry.add<l::op::GetAlias>(on_function<l::GetAliasRequest>(deps, "lambda:GetAlias"),
                                [&deps](const Context& context, l::GetAliasRequest input) {
                                  return get(deps, context, std::move(input));
                                });
  registry.add<l::op::UpdateAlias>(on_function<l::UpdateAliasRequest>(deps, "lambda:UpdateAlias"),
                                   [&deps](const Context& context, l::UpdateAliasRequest input) {
                                     return update(deps, context, std::move(input));
                                   });
  registry.add<l::op::DeleteAlias>(on_function<l::DeleteAliasRequest>(deps, "lambda:DeleteAlias"),
                                   [&deps](const Context& context, l::DeleteAliasRequest input) {
                                     return remove(deps, context, std::move(input));
                                   });
  registry.add<l::op::ListAliases>(on_function<l::ListAliasesRequest>(deps, "lambda:ListAliases"),
                                   [&deps](const Context& context, l::ListAliasesRequest input) {
                                     return list(deps, context, std::move(input));
                                   });
}

}  // namespace services::lambda
