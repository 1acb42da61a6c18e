// CreateFunction, GetFunction, GetFunctionConfiguration, ListFunctions, DeleteFunction.
#include <fmt/format.h>

#include <algorithm>

#include "services/lambda/layers.h"
#include "services/lambda/version_settings.h"

namespace services::lambda {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kTagsMax = 50;
constexpr std::size_t kPageMax = 50;

std::optional<api::Error> check_name(const std::string& name) {
  if (name.size() <= kNameMax) return std::nullopt;
  return l::invalid_parameter_value(
      fmt::format("1 validation error detected: Value '{}' at 'functionName' failed to satisfy "
                  "constraint: Member must have length less than or equal to {}",
                  name, kNameMax));
}

std::optional<api::Error> check_create(const l::CreateFunctionRequest& input) {
  if (input.package_type && *input.package_type != "Zip") return not_here("PackageType Image");
  if (input.image_config) return not_here("ImageConfig");
  if (input.code->image_uri) return not_here("Code.ImageUri");
  if (input.code_signing_config_arn) return not_here("CodeSigningConfigArn");
  if (input.publish_to) return not_here("PublishTo");
  if (input.tenancy_config) return not_here("TenancyConfig");
  if (!input.runtime || !input.handler)
    return l::invalid_parameter_value(
        "Runtime and Handler are mandatory parameters for functions created with deployment "
        "packages.");
  if (input.tags && input.tags->size() > kTagsMax)
    return l::invalid_parameter_value("Number of tags exceeds resource tag limit.");
  return check_settings(input);
}

Answer<l::FunctionConfiguration> create(const Deps& deps, const Context& context,
                                        l::CreateFunctionRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  auto bad = check_name(target->key.name);
  if (!bad) bad = check_create(input);
  if (bad) co_return std::unexpected(*bad);
  if (!deps.credentials.may_assume(*input.role)) co_return std::unexpected(unusable_role());
  if (deps.catalogue.find(target->key) != nullptr)
    co_return std::unexpected(l::resource_conflict("Function already exist: " + target->key.name));
  const auto package = co_await take_package(deps, context,
                                             {input.code->zip_file, input.code->s3_bucket,
                                              input.code->s3_key, input.code->s3_object_version});
  if (!package) co_return std::unexpected(package.error());
  auto layers =
      co_await take_layers(deps, context, input.layers.value_or(std::vector<std::string>()));
  if (!layers) co_return std::unexpected(layers.error());
  const auto fits = co_await check_unpacked(deps, (*package)->sha256, layers->uses);
  if (!fits) co_return std::unexpected(fits.error());
  Function function;
  function.key = target->key;
  function.created = deps.clock.now();
  function.latest.log_group = "/aws/lambda/" + target->key.name;
  apply_settings(function.latest, input);
  function.latest.layers = layers->uses;
  if (input.architectures) function.latest.architectures = *input.architectures;
  function.latest.code_sha256 = (*package)->sha256;
  function.latest.code_bytes = (*package)->bytes;
  if (input.tags) function.tags = std::move(*input.tags);
  touch(deps, function.latest, true);
  const bool published = input.publish.value_or(false);
  if (published) publish(deps, function, std::nullopt);
  const auto made = co_await deps.catalogue.create(std::move(function));
  if (!made) co_return std::unexpected(made.error());
  const Version& shown = published ? (*made)->versions.back() : (*made)->latest;
  co_return render(**made, shown, (*made)->key.arn());
}

Answer<l::GetFunctionResponse> get(const Deps& deps, const Context& context,
                                   l::GetFunctionRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const auto found = find_version(deps, *target);
  if (!found) co_return std::unexpected(found.error());
  l::GetFunctionResponse output;
  output.configuration = render(*found->function, *found->version, target->arn());
  auto& code = output.code.emplace();
  code.repository_type = "S3";
  const std::string location = deps.packages.location(context, found->version->code_sha256);
  if (!location.empty()) code.location = location;
  if (!found->function->tags.empty()) output.tags = found->function->tags;
  if (found->function->reserved_concurrency)
    output.concurrency.emplace().reserved_concurrent_executions =
        *found->function->reserved_concurrency;
  co_return output;
}

Answer<l::FunctionConfiguration> get_configuration(const Deps& deps, const Context& context,
                                                   l::GetFunctionConfigurationRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const auto found = find_version(deps, *target);
  if (!found) co_return std::unexpected(found.error());
  co_return render(*found->function, *found->version, target->arn());
}

Answer<l::ListFunctionsResponse> list(const Deps& deps, const Context& context,
                                      l::ListFunctionsRequest input) {
  std::vector<l::FunctionConfiguration> all;
  const bool versions = input.function_version == "ALL";
  for (const FunctionPtr& function : deps.catalogue.list(context.account_id, context.region)) {
    all.push_back(
        render(*function, function->latest, function->key.arn() + (versions ? ":$LATEST" : "")));
    if (!versions) continue;
    for (const Version& version : function->versions)
      all.push_back(render(*function, version, function->key.arn() + ':' + version.version));
  }
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  // Names sort as in the catalogue; versions of one function stand in the order of their ARNs.
  std::ranges::sort(all, {}, [](const auto& entry) { return *entry.function_arn; });
  auto [page, next] = page_of(std::move(all), input.marker, limit,
                              [](const auto& entry) { return *entry.function_arn; });
  l::ListFunctionsResponse output;
  output.functions = std::move(page);
  output.next_marker = std::move(next);
  co_return output;
}

api::Outcome<void> remove_version(Function& function, const Target& target) {
  for (const auto& [name, alias] : function.aliases)
    if (alias.version == target.qualifier || alias.weights.contains(target.qualifier))
      return std::unexpected(l::resource_conflict(fmt::format(
          "Unable to delete version because the following aliases reference it: [{}]", name)));
  std::erase_if(function.versions,
                [&](const Version& version) { return version.version == target.qualifier; });
  function.policies.erase(target.qualifier);
  function.event_configs.erase(target.qualifier);
  function.provisioned.erase(target.qualifier);
  return {};
}

Answer<l::DeleteFunctionResponse> remove(const Deps& deps, const Context& context,
                                         l::DeleteFunctionRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  if (target->qualifier == functions::kLatest)
    co_return std::unexpected(l::invalid_parameter_value(
        "$LATEST version cannot be deleted without deleting the function."));
  if (target->qualifier.empty()) {
    const auto removed = co_await deps.catalogue.remove(target->key);
    if (!removed) co_return std::unexpected(removed.error());
  } else {
    const auto changed = co_await deps.catalogue.update(
        target->key, [&target](Function& function) { return remove_version(function, *target); });
    if (!changed) co_return std::unexpected(changed.error());
  }
  co_await deps.code.collect([&deps] { return used_packages(deps); });
  l::DeleteFunctionResponse output;
  output.status_code = 204;
  co_return output;
}

}  // namespace

void register_functions(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::CreateFunction>(
      [&deps](const Context& context,
              const l::CreateFunctionRequest& input) -> api::Outcome<wire::Checks> {
        auto target = target_of(context, *input.function_name, std::nullopt);
        if (!target) return std::unexpected(target.error());
        wire::Checks checks{function_check(deps, "lambda:CreateFunction", *target),
                            pass_role(*input.role)};
        add_layer_checks(deps, context, input, checks);
        return checks;
      },
      [&deps](const Context& context, l::CreateFunctionRequest input) {
        return create(deps, context, std::move(input));
      });
  registry.add<l::op::GetFunction>(on_function<l::GetFunctionRequest>(deps, "lambda:GetFunction"),
                                   [&deps](const Context& context, l::GetFunctionRequest input) {
                                     return get(deps, context, std::move(input));
                                   });
  registry.add<l::op::GetFunctionConfiguration>(
      on_function<l::GetFunctionConfigurationRequest>(deps, "lambda:GetFunctionConfiguration"),
      [&deps](const Context& context, l::GetFunctionConfigurationRequest input) {
        return get_configuration(deps, context, std::move(input));
      });
  registry.add<l::op::ListFunctions>(
      [](const Context&, const l::ListFunctionsRequest&) {
        return wire::Checks{any_resource("lambda:ListFunctions")};
      },
      [&deps](const Context& context, l::ListFunctionsRequest input) {
        return list(deps, context, std::move(input));
      });
  registry.add<l::op::DeleteFunction>(
      on_function<l::DeleteFunctionRequest>(deps, "lambda:DeleteFunction"),
      [&deps](const Context& context, l::DeleteFunctionRequest input) {
        return remove(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
