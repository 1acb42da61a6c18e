// Reserved and provisioned concurrency.
#include <fmt/format.h>

#include <algorithm>

#include "base/time_text.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

using functions::Provisioned;

constexpr std::int32_t kUnreservedMin = 100;
constexpr std::size_t kPageMax = 50;

// What is kept ready for a function's qualifiers, `but` not counted.
std::int32_t provisioned_of(const Function& function, std::string_view but) {
  std::int32_t sum = 0;
  for (const auto& [qualifier, kept] : function.provisioned)
    if (qualifier != but) sum += kept.wanted;
  return sum;
}

// Of the account's concurrency, what other functions have to themselves.
std::int32_t claimed_by_others(const Deps& deps, const FunctionKey& key) {
  std::int32_t sum = 0;
  for (const FunctionPtr& other : deps.catalogue.list(key.account_id, key.region))
    if (other->key != key)
      sum +=
          other->reserved_concurrency ? *other->reserved_concurrency : provisioned_of(*other, {});
  return sum;
}

Answer<l::Concurrency> put_concurrency(const Deps& deps, const Context& context,
                                       l::PutFunctionConcurrencyRequest input) {
  const auto target = unqualified(context, *input.function_name);
  if (!target) co_return std::unexpected(target.error());
  const std::int32_t wanted = *input.reserved_concurrent_executions;
  const FunctionPtr own = deps.catalogue.find(target->key);
  if (const std::int32_t kept = own == nullptr ? 0 : provisioned_of(*own, {}); wanted < kept)
    co_return std::unexpected(l::invalid_parameter_value(
        fmt::format(" ReservedConcurrentExecutions  {} should not be lower than function's total "
                    "provisioned concurrency [{}].",
                    wanted, kept)));
  if (kAccountConcurrency - claimed_by_others(deps, target->key) - wanted < kUnreservedMin)
    co_return std::unexpected(l::invalid_parameter_value(
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [" +
        std::to_string(kUnreservedMin) + "]."));
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        function.reserved_concurrency = *input.reserved_concurrent_executions;
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  l::Concurrency output;
  output.reserved_concurrent_executions = *input.reserved_concurrent_executions;
  co_return output;
}

Answer<l::GetFunctionConcurrencyResponse> get_concurrency(const Deps& deps, const Context& context,
                                                          l::GetFunctionConcurrencyRequest input) {
  const auto target = unqualified(context, *input.function_name);
  if (!target) co_return std::unexpected(target.error());
  const auto function = find_function(deps, *target);
  if (!function) co_return std::unexpected(function.error());
  l::GetFunctionConcurrencyResponse output;
  output.reserved_concurrent_executions = (*function)->reserved_concurrency;
  co_return output;
}

Answer<l::DeleteFunctionConcurrencyOutput> delete_concurrency(
    const Deps& deps, const Context& context, l::DeleteFunctionConcurrencyRequest input) {
  const auto target = unqualified(context, *input.function_name);
  if (!target) co_return std::unexpected(target.error());
  const auto changed =
      co_await deps.catalogue.update(target->key, [](Function& function) -> api::Outcome<void> {
        function.reserved_concurrency.reset();
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::DeleteFunctionConcurrencyOutput();
}

// A version or an alias that is there; the checks come in AWS's order.
api::Outcome<Target> provisionable(const Deps& deps, const Context& context,
                                   const std::string& name, const std::string& qualifier,
                                   std::string_view if_latest) {
  auto target = target_of(context, name, qualifier);
  if (!target) return target;
  if (target->qualifier == functions::kLatest)
    return std::unexpected(l::invalid_parameter_value(std::string(if_latest)));
  const FunctionPtr function = deps.catalogue.find(target->key);
  if (function != nullptr && function->resolve(target->qualifier) != nullptr) return target;
  const bool number =
      std::ranges::all_of(target->qualifier, [](char c) { return c >= '0' && c <= '9'; });
  if (number) return std::unexpected(functions::function_not_found(target->arn()));
  return std::unexpected(l::resource_not_found("Cannot find alias arn: " + target->arn()));
}
constexpr std::string_view kNotLatest =
    "The function resource provided must be an alias or a published version.";

// An alias and the version that it stands for cannot both have it.
std::optional<api::Error> check_overlap(const Function& function, const std::string& qualifier) {
  if (const functions::Alias* const alias = function.alias(qualifier); alias != nullptr) {
    if (!function.provisioned.contains(alias->version)) return std::nullopt;
    return l::resource_conflict(
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned "
        "version");
  }
  for (const auto& [other, kept] : function.provisioned)
    if (const functions::Alias* const alias = function.alias(other);
        alias != nullptr && alias->version == qualifier)
      return l::resource_conflict("Version is pointed by a Provisioned Concurrency alias");
  return std::nullopt;
}

std::optional<api::Error> check_room(const Deps& deps, const Function& function,
                                     const std::string& qualifier, std::int32_t wanted) {
  const std::int32_t all = provisioned_of(function, qualifier) + wanted;
  if (function.reserved_concurrency) {
    if (all <= *function.reserved_concurrency) return std::nullopt;
    return l::invalid_parameter_value(
        "Requested Provisioned Concurrency should not be greater than the "
        "reservedConcurrentExecution for function");
  }
  const std::int32_t left = kAccountConcurrency - claimed_by_others(deps, function.key);
  if (all > left)
    return l::invalid_parameter_value(
        fmt::format("Specified ConcurrentExecutions for function is greater than account's "
                    "unreserved concurrency [{}].",
                    left));
  if (left - all < kUnreservedMin)
    return l::invalid_parameter_value(
        fmt::format("Specified ConcurrentExecutions for function decreases account's "
                    "UnreservedConcurrentExecution below its minimum value of [{}].",
                    kUnreservedMin));
  return std::nullopt;
}

// 2026-11-23T06:19:01+0000
std::string last_modified(base::Timestamp time) {
  std::string text = base::iso8601(time);
  text.pop_back();
  return text + "+0000";
}

template <class Output>
Output render_kept(const Provisioned& kept, const functions::ProvisionedState& state) {
  const auto ready = std::min(static_cast<std::int32_t>(state.ready), kept.wanted);
  Output out;
  out.requested_provisioned_concurrent_executions = kept.wanted;
  out.available_provisioned_concurrent_executions = ready;
  out.allocated_provisioned_concurrent_executions = ready;
  out.status = "IN_PROGRESS";
  if (ready == kept.wanted) out.status = "READY";
  else if (!state.failure.empty()) {
    out.status = "FAILED";
    out.status_reason = state.failure;
  }
  out.last_modified = last_modified(kept.modified);
  return out;
}

Answer<l::PutProvisionedConcurrencyConfigResponse> put_provisioned(
    const Deps& deps, const Context& context, l::PutProvisionedConcurrencyConfigRequest input) {
  const auto target = provisionable(
      deps, context, *input.function_name, *input.qualifier,
      "Provisioned Concurrency Configs cannot be applied to unpublished function versions.");
  if (!target) co_return std::unexpected(target.error());
  const std::int32_t wanted = *input.provisioned_concurrent_executions;
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        if (auto bad = check_overlap(function, target->qualifier)) return std::unexpected(*bad);
        if (auto bad = check_room(deps, function, target->qualifier, wanted))
          return std::unexpected(*bad);
        function.provisioned.insert_or_assign(
            target->qualifier, Provisioned{.wanted = wanted, .modified = deps.clock.now()});
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  const auto state = co_await deps.invoker.provisioned(target->key, target->qualifier);
  auto output = render_kept<l::PutProvisionedConcurrencyConfigResponse>(
      (*changed)->provisioned.at(target->qualifier), state);
  output.status = "IN_PROGRESS";
  output.status_reason.reset();
  co_return output;
}

Answer<l::GetProvisionedConcurrencyConfigResponse> get_provisioned(
    const Deps& deps, const Context& context, l::GetProvisionedConcurrencyConfigRequest input) {
  const auto target =
      provisionable(deps, context, *input.function_name, *input.qualifier, kNotLatest);
  if (!target) co_return std::unexpected(target.error());
  const FunctionPtr function = deps.catalogue.find(target->key);
  if (function == nullptr || !function->provisioned.contains(target->qualifier))
    co_return std::unexpected(l::provisioned_concurrency_config_not_found(
        "No Provisioned Concurrency Config found for this function"));
  const auto state = co_await deps.invoker.provisioned(target->key, target->qualifier);
  co_return render_kept<l::GetProvisionedConcurrencyConfigResponse>(
      function->provisioned.at(target->qualifier), state);
}

// Success too if there was none.
Answer<l::DeleteProvisionedConcurrencyConfigOutput> delete_provisioned(
    const Deps& deps, const Context& context, l::DeleteProvisionedConcurrencyConfigRequest input) {
  const auto target =
      provisionable(deps, context, *input.function_name, *input.qualifier, kNotLatest);
  if (!target) co_return std::unexpected(target.error());
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        function.provisioned.erase(target->qualifier);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::DeleteProvisionedConcurrencyConfigOutput();
}

Answer<l::ListProvisionedConcurrencyConfigsResponse> list_provisioned(
    const Deps& deps, const Context& context, l::ListProvisionedConcurrencyConfigsRequest input) {
  const auto target = unqualified(context, *input.function_name);
  if (!target) co_return std::unexpected(target.error());
  const auto function = find_function(deps, *target);
  if (!function) co_return std::unexpected(function.error());
  std::vector<l::ProvisionedConcurrencyConfigListItem> all;
  for (const auto& [qualifier, kept] : (*function)->provisioned) {
    const auto state = co_await deps.invoker.provisioned(target->key, qualifier);
    all.push_back(render_kept<l::ProvisionedConcurrencyConfigListItem>(kept, state));
    all.back().function_arn = target->key.arn() + ':' + qualifier;
  }
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  auto [page, next] = page_of(std::move(all), input.marker, limit,
                              [](const auto& one) { return *one.function_arn; });
  l::ListProvisionedConcurrencyConfigsResponse output;
  output.provisioned_concurrency_configs = std::move(page);
  output.next_marker = std::move(next);
  co_return output;
}

void register_provisioned(wire::Registry& registry, const Deps& deps) {
  using Put = l::PutProvisionedConcurrencyConfigRequest;
  using Get = l::GetProvisionedConcurrencyConfigRequest;
  using Delete = l::DeleteProvisionedConcurrencyConfigRequest;
  using List = l::ListProvisionedConcurrencyConfigsRequest;
  registry.add<l::op::PutProvisionedConcurrencyConfig>(
      on_function<Put>(deps, "lambda:PutProvisionedConcurrencyConfig"),
      [&deps](const Context& context, Put input) {
        return put_provisioned(deps, context, std::move(input));
      });
  registry.add<l::op::GetProvisionedConcurrencyConfig>(
      on_function<Get>(deps, "lambda:GetProvisionedConcurrencyConfig"),
      [&deps](const Context& context, Get input) {
        return get_provisioned(deps, context, std::move(input));
      });
  registry.add<l::op::DeleteProvisionedConcurrencyConfig>(
      on_function<Delete>(deps, "lambda:DeleteProvisionedConcurrencyConfig"),
      [&deps](const Context& context, Delete input) {
        return delete_provisioned(deps, context, std::move(input));
      });
  registry.add<l::op::ListProvisionedConcurrencyConfigs>(
      on_function<List>(deps, "lambda:ListProvisionedConcurrencyConfigs"),
      [&deps](const Context& context, List input) {
        return list_provisioned(deps, context, std::move(input));
      });
}

}  // namespace

void register_concurrency(wire::Registry& registry, const Deps& deps) {
  register_provisioned(registry, deps);
  registry.add<l::op::PutFunctionConcurrency>(
      on_function<l::PutFunctionConcurrencyRequest>(deps, "lambda:PutFunctionConcurrency"),
      [&deps](const Context& context, l::PutFunctionConcurrencyRequest input) {
        return put_concurrency(deps, context, std::move(input));
      });
  registry.add<l::op::GetFunctionConcurrency>(
      on_function<l::GetFunctionConcurrencyRequest>(deps, "lambda:GetFunctionConcurrency"),
      [&deps](const Context& context, l::GetFunctionConcurrencyRequest input) {
        return get_concurrency(deps, context, std::move(input));
      });
  registry.add<l::op::DeleteFunctionConcurrency>(
      on_function<l::DeleteFunctionConcurrencyRequest>(deps, "lambda:DeleteFunctionConcurrency"),
      [&deps](const Context& context, l::DeleteFunctionConcurrencyRequest input) {
        return delete_concurrency(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
