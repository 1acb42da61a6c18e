// UpdateFunctionConfiguration, and what a function's settings have to keep to.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "services/lambda/layers.h"
#include "services/lambda/version_settings.h"

namespace services::lambda {
namespace {

constexpr std::size_t kEnvironmentBytesMax = 4096;
constexpr auto kReserved = std::to_array<std::string_view>({"_HANDLER",
                                                            "_X_AMZN_TRACE_ID",
                                                            "AWS_ACCESS_KEY",
                                                            "AWS_ACCESS_KEY_ID",
                                                            "AWS_DEFAULT_REGION",
                                                            "AWS_EXECUTION_ENV",
                                                            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                                                            "AWS_LAMBDA_FUNCTION_NAME",
                                                            "AWS_LAMBDA_FUNCTION_VERSION",
                                                            "AWS_LAMBDA_INITIALIZATION_TYPE",
                                                            "AWS_LAMBDA_LOG_GROUP_NAME",
                                                            "AWS_LAMBDA_LOG_STREAM_NAME",
                                                            "AWS_LAMBDA_RUNTIME_API",
                                                            "AWS_REGION",
                                                            "AWS_SECRET_ACCESS_KEY",
                                                            "AWS_SECRET_KEY",
                                                            "AWS_SESSION_TOKEN",
                                                            "LAMBDA_RUNTIME_DIR",
                                                            "LAMBDA_TASK_ROOT",
                                                            "TZ"});

Answer<l::FunctionConfiguration> update(const Deps& deps, const Context& context,
                                        l::UpdateFunctionConfigurationRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  if (input.image_config) co_return std::unexpected(not_here("ImageConfig"));
  const auto found = find_function(deps, *target);
  if (!found) co_return std::unexpected(found.error());
  const auto bad = check_settings(input);
  if (bad) co_return std::unexpected(*bad);
  if (input.role && !deps.credentials.may_assume(*input.role))
    co_return std::unexpected(unusable_role());
  const auto layers =
      co_await take_layers(deps, context, input.layers.value_or(std::vector<std::string>()));
  if (!layers) co_return std::unexpected(layers.error());
  const auto fits = co_await check_unpacked(deps, (*found)->latest.code_sha256, layers->uses);
  if (!fits) co_return std::unexpected(fits.error());
  const auto changed = co_await deps.catalogue.update(
      target->key, [&deps, &input, &layers](Function& function) -> api::Outcome<void> {
        if (input.revision_id && *input.revision_id != function.latest.revision_id)
          return std::unexpected(stale_revision("GetFunction/GetAlias"));
        apply_settings(function.latest, input);
        if (input.layers) function.latest.layers = layers->uses;
        touch(deps, function.latest, true);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return render(**changed, (*changed)->latest, (*changed)->key.arn());
}

}  // namespace

std::optional<api::Error> check_environment(const std::map<std::string, std::string>& variables) {
  std::string reserved;
  boost::json::object measured;
  for (const auto& [name, value] : variables) {
    measured[name] = value;
    if (std::ranges::find(kReserved, name) == kReserved.end()) continue;
    if (!reserved.empty()) reserved += ", ";
    reserved += name;
  }
  if (!reserved.empty())
    return l::invalid_parameter_value(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided contains reserved keys that are currently not supported for "
        "modification. Reserved keys used in this request: " +
        reserved);
  const std::string text = boost::json::serialize(measured);
  if (text.size() > kEnvironmentBytesMax)
    return l::invalid_parameter_value(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided exceeded the 4KB limit. String measured: " +
        text);
  for (const auto& [name, value] : variables)
    if (value.find('\0') != std::string::npos)
      return l::invalid_parameter_value("The environment variable " + name +
                                        " holds a character that cannot be passed on.");
  return std::nullopt;
}

void register_configuration(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::UpdateFunctionConfiguration>(
      [&deps](const Context& context,
              const l::UpdateFunctionConfigurationRequest& input) -> api::Outcome<wire::Checks> {
        auto target = target_of(context, *input.function_name, std::nullopt);
        if (!target) return std::unexpected(target.error());
        wire::Checks checks{function_check(deps, "lambda:UpdateFunctionConfiguration", *target)};
        if (input.role) checks.push_back(pass_role(*input.role));
        add_layer_checks(deps, context, input, checks);
        return checks;
      },
      [&deps](const Context& context, l::UpdateFunctionConfigurationRequest input) {
        return update(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
