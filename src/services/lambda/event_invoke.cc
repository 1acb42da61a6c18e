// Put-, Update-, Get-, Delete- and ListFunctionEventInvokeConfig(s).
#include <fmt/format.h>

#include "auth/principal.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

using functions::EventConfig;
constexpr std::size_t kPageMax = 50;

std::string config_qualifier(const Target& target) {
  return target.qualifier.empty() ? std::string(functions::kLatest) : target.qualifier;
}
std::string config_arn(const Target& target) {
  return target.key.arn() + ':' + config_qualifier(target);
}
api::Error no_function() { return l::resource_not_found("The function doesn't exist."); }
api::Error no_config(const Target& target) {
  return l::resource_not_found(
      fmt::format("The function {} doesn't have an EventInvokeConfig", config_arn(target)));
}

l::FunctionEventInvokeConfig render_config(const FunctionKey& key, const std::string& qualifier,
                                           const EventConfig& config) {
  l::FunctionEventInvokeConfig out;
  out.last_modified = config.modified;
  out.function_arn = key.arn() + ':' + qualifier;
  out.maximum_retry_attempts = config.retries_max;
  out.maximum_event_age_in_seconds = config.age_max_s;
  auto& destinations = out.destination_config.emplace();
  auto& success = destinations.on_success.emplace();
  auto& failure = destinations.on_failure.emplace();
  if (!config.on_success.empty()) success.destination = config.on_success;
  if (!config.on_failure.empty()) failure.destination = config.on_failure;
  return out;
}

// As AWS shows it in its refusals.
std::string describe(const l::DestinationConfig& config) {
  const auto part = [](std::string_view name, const auto& end) {
    return end ? fmt::format("{}(destination={})", name, end->destination.value_or("null"))
               : std::string("null");
  };
  return fmt::format("DestinationConfig(onSuccess={}, onFailure={})",
                     part("OnSuccess", config.on_success), part("OnFailure", config.on_failure));
}

// One destination: a function that is there and another one, or, for failures, a bucket.
std::optional<api::Error> check_destination(const Deps& deps, const Target& target,
                                            const l::DestinationConfig& config,
                                            const std::string& arn, bool on_failure) {
  if (arn.empty()) return std::nullopt;
  const auto parts = auth::parse_arn(arn);
  const std::string_view service = parts ? parts->service : std::string_view();
  if (service == "sqs") return not_here("An SQS queue as destination");
  if (service == "sns") return not_here("An SNS topic as destination");
  if (service == "events") return not_here("An event bus as destination");
  if (service == "s3" && on_failure && !parts->resource.empty() &&
      parts->resource.find('/') == std::string_view::npos)
    return std::nullopt;
  if (service != "lambda" || !parts->resource.starts_with("function:"))
    return l::invalid_parameter_value(
        fmt::format("The provided destination config {} is invalid.", describe(config)));
  Context context;
  context.region = std::string(parts->region);
  const auto other = target_of(context, arn, std::nullopt);
  if (!other || other->key.region != target.key.region || !find_version(deps, *other))
    return l::invalid_parameter_value(fmt::format("The destination ARN {} is invalid.", arn));
  if (other->key == target.key)
    return l::invalid_parameter_value(
        "You can't specify the function as a destination for itself.");
  return std::nullopt;
}

std::optional<api::Error> check_destinations(const Deps& deps, const Target& target,
                                             const std::optional<l::DestinationConfig>& config) {
  if (!config) return std::nullopt;
  if (config->on_success) {
    auto bad = check_destination(deps, target, *config,
                                 config->on_success->destination.value_or(""), false);
    if (bad) return bad;
  }
  if (!config->on_failure) return std::nullopt;
  return check_destination(deps, target, *config, config->on_failure->destination.value_or(""),
                           true);
}

template <class Input>
void apply(const Deps& deps, EventConfig& config, const Input& input) {
  if (input.maximum_retry_attempts) config.retries_max = input.maximum_retry_attempts;
  if (input.maximum_event_age_in_seconds) config.age_max_s = input.maximum_event_age_in_seconds;
  if (input.destination_config && input.destination_config->on_success)
    config.on_success = input.destination_config->on_success->destination.value_or("");
  if (input.destination_config && input.destination_config->on_failure)
    config.on_failure = input.destination_config->on_failure->destination.value_or("");
  config.modified = deps.clock.now();
}

// Put replaces what is there, Update changes it.
template <class Input>
Answer<l::FunctionEventInvokeConfig> set(const Deps& deps, const Context& context, Input input,
                                         bool update) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  if (!find_version(deps, *target)) co_return std::unexpected(no_function());
  if (!update && !input.maximum_retry_attempts && !input.maximum_event_age_in_seconds &&
      !input.destination_config)
    co_return std::unexpected(l::invalid_parameter_value(
        "You must specify at least one of error handling or destination setting."));
  const auto bad = check_destinations(deps, *target, input.destination_config);
  if (bad) co_return std::unexpected(*bad);
  const std::string qualifier = config_qualifier(*target);
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        const auto found = function.event_configs.find(qualifier);
        if (update && found == function.event_configs.end())
          return std::unexpected(no_config(*target));
        EventConfig config = update ? found->second : EventConfig();
        apply(deps, config, input);
        function.event_configs.insert_or_assign(qualifier, std::move(config));
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return render_config(target->key, qualifier, (*changed)->event_configs.at(qualifier));
}

Answer<l::FunctionEventInvokeConfig> get(const Deps& deps, const Context& context,
                                         l::GetFunctionEventInvokeConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const std::string qualifier = config_qualifier(*target);
  const FunctionPtr function = deps.catalogue.find(target->key);
  if (function == nullptr || !function->event_configs.contains(qualifier))
    co_return std::unexpected(no_config(*target));
  co_return render_config(target->key, qualifier, function->event_configs.at(qualifier));
}

Answer<l::DeleteFunctionEventInvokeConfigOutput> remove(
    const Deps& deps, const Context& context, l::DeleteFunctionEventInvokeConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  if (deps.catalogue.find(target->key) == nullptr) co_return std::unexpected(no_config(*target));
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        if (function.event_configs.erase(config_qualifier(*target)) == 0)
          return std::unexpected(no_config(*target));
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::DeleteFunctionEventInvokeConfigOutput();
}

Answer<l::ListFunctionEventInvokeConfigsResponse> list(
    const Deps& deps, const Context& context, l::ListFunctionEventInvokeConfigsRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const FunctionPtr function = deps.catalogue.find(target->key);
  if (function == nullptr) co_return std::unexpected(no_function());
  std::vector<l::FunctionEventInvokeConfig> all;
  for (const auto& [qualifier, config] : function->event_configs)
    all.push_back(render_config(target->key, qualifier, config));
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  auto [page, next] = page_of(std::move(all), input.marker, limit,
                              [](const auto& config) { return *config.function_arn; });
  l::ListFunctionEventInvokeConfigsResponse output;
  output.function_event_invoke_configs = std::move(page);
  output.next_marker = std::move(next);
  co_return output;
}

}  // namespace

void register_event_invoke(wire::Registry& registry, const Deps& deps) {
  using Put = l::PutFunctionEventInvokeConfigRequest;
  using Update = l::UpdateFunctionEventInvokeConfigRequest;
  using Get = l::GetFunctionEventInvokeConfigRequest;
  using Delete = l::DeleteFunctionEventInvokeConfigRequest;
  using List = l::ListFunctionEventInvokeConfigsRequest;
  registry.add<l::op::PutFunctionEventInvokeConfig>(
      on_function<Put>(deps, "lambda:PutFunctionEventInvokeConfig"),
      [&deps](const Context& context, Put input) {
        return set(deps, context, std::move(input), false);
      });
  registry.add<l::op::UpdateFunctionEventInvokeConfig>(
      on_function<Update>(deps, "lambda:UpdateFunctionEventInvokeConfig"),
      [&deps](const Context& context, Update input) {
        return set(deps, context, std::move(input), true);
      });
  registry.add<l::op::GetFunctionEventInvokeConfig>(
      on_function<Get>(deps, "lambda:GetFunctionEventInvokeConfig"),
      [&deps](const Context& context, Get input) { return get(deps, context, std::move(input)); });
  registry.add<l::op::DeleteFunctionEventInvokeConfig>(
      on_function<Delete>(deps, "lambda:DeleteFunctionEventInvokeConfig"),
      [&deps](const Context& context, Delete input) {
        return remove(deps, context, std::move(input));
      });
  registry.add<l::op::ListFunctionEventInvokeConfigs>(
      on_function<List>(deps, "lambda:ListFunctionEventInvokeConfigs"),
      [&deps](const Context& context, List input) {
        return list(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
