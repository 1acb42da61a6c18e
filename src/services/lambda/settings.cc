// Tags, recursion, runtime management, code signing, GetAccountSettings.
#include "auth/principal.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

constexpr std::size_t kTagsMax = 50;

// Tags are on functions; their ARN comes without a qualifier.
api::Outcome<Target> tagged(const Context& context, const std::string& arn) {
  const auto parts = auth::parse_arn(arn);
  if (!parts || !parts->resource.starts_with("function:")) {
    if (parts && parts->resource.starts_with("event-source-mapping:"))
      return std::unexpected(not_here("Tagging of event source mappings"));
    return std::unexpected(not_here("Tagging of this resource"));
  }
  auto target = target_of(context, arn, std::nullopt);
  if (target && !target->qualifier.empty())
    return std::unexpected(l::invalid_parameter_value(
        "Tags on function aliases and versions are not supported. Please specify a function "
        "ARN."));
  return target;
}

template <class Input>
auto on_tagged(const Deps& deps, std::string action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    auto target = tagged(context, *input.resource);
    if (!target) return std::unexpected(target.error());
    return wire::Checks{function_check(deps, action, *target)};
  };
}

Answer<l::ListTagsResponse> list_tags(const Deps& deps, const Context& context,
                                      l::ListTagsRequest input) {
  const auto target = tagged(context, *input.resource);
  if (!target) co_return std::unexpected(target.error());
  const auto function = find_function(deps, *target);
  if (!function) co_return std::unexpected(function.error());
  l::ListTagsResponse output;
  output.tags = (*function)->tags;
  co_return output;
}

Answer<l::TagResourceOutput> tag(const Deps& deps, const Context& context,
                                 l::TagResourceRequest input) {
  const auto target = tagged(context, *input.resource);
  if (!target) co_return std::unexpected(target.error());
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        for (const auto& [key, value] : *input.tags) function.tags.insert_or_assign(key, value);
        if (function.tags.size() > kTagsMax)
          return std::unexpected(
              l::invalid_parameter_value("Number of tags exceeds resource tag limit."));
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::TagResourceOutput();
}

Answer<l::UntagResourceOutput> untag(const Deps& deps, const Context& context,
                                     l::UntagResourceRequest input) {
  const auto target = tagged(context, *input.resource);
  if (!target) co_return std::unexpected(target.error());
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        for (const std::string& key : *input.tag_keys) function.tags.erase(key);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::UntagResourceOutput();
}

// Kept and shown: what runs is the interpreter that the host has. So no version can be held on to.
Answer<l::PutRuntimeManagementConfigResponse> put_runtime_management(
    const Deps& deps, const Context& context, l::PutRuntimeManagementConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  if (*input.update_runtime_on == "Manual")
    co_return std::unexpected(not_here("UpdateRuntimeOn Manual"));
  if (input.runtime_version_arn) co_return std::unexpected(not_here("RuntimeVersionArn"));
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        const Version* const meant = function.resolve(target->qualifier);
        if (meant == nullptr || function.alias(target->qualifier) != nullptr)
          return std::unexpected(functions::function_not_found(target->arn()));
        if (meant == &function.latest) function.latest.update_runtime_on = *input.update_runtime_on;
        for (Version& version : function.versions)
          if (&version == meant) version.update_runtime_on = *input.update_runtime_on;
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  l::PutRuntimeManagementConfigResponse output;
  output.update_runtime_on = *input.update_runtime_on;
  output.function_arn = target->arn();
  co_return output;
}

Answer<l::GetRuntimeManagementConfigResponse> get_runtime_management(
    const Deps& deps, const Context& context, l::GetRuntimeManagementConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const auto found = find_version(deps, *target);
  if (!found) co_return std::unexpected(found.error());
  l::GetRuntimeManagementConfigResponse output;
  output.update_runtime_on = found->version->update_runtime_on;
  output.function_arn = target->arn();
  co_return output;
}

// No function has one: they are refused where they would be given.
Answer<l::GetFunctionCodeSigningConfigResponse> get_code_signing(
    const Deps& deps, const Context& context, l::GetFunctionCodeSigningConfigRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const auto function = find_function(deps, *target);
  if (!function) co_return std::unexpected(function.error());
  co_return l::GetFunctionCodeSigningConfigResponse();
}

// Kept and shown. What AWS ends are loops through SQS, SNS and S3, none of which there can be here.
Answer<l::PutFunctionRecursionConfigResponse> put_recursion(
    const Deps& deps, const Context& context, l::PutFunctionRecursionConfigRequest input) {
  const auto target = unqualified(context, *input.function_name);
  if (!target) co_return std::unexpected(target.error());
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        function.recursive_loop = *input.recursive_loop;
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  l::PutFunctionRecursionConfigResponse output;
  output.recursive_loop = (*changed)->recursive_loop;
  co_return output;
}

Answer<l::GetFunctionRecursionConfigResponse> get_recursion(
    const Deps& deps, const Context& context, l::GetFunctionRecursionConfigRequest input) {
  const auto target = unqualified(context, *input.function_name);
  if (!target) co_return std::unexpected(target.error());
  const auto function = find_function(deps, *target);
  if (!function) co_return std::unexpected(function.error());
  l::GetFunctionRecursionConfigResponse output;
  output.recursive_loop = (*function)->recursive_loop;
  co_return output;
}

Answer<l::GetAccountSettingsResponse> account_settings(const Deps& deps, const Context& context) {
  std::int64_t bytes = 0;
  std::int64_t count = 0;
  std::int32_t reserved = 0;
  for (const FunctionPtr& function : deps.catalogue.list(context.account_id, context.region)) {
    ++count;
    bytes += static_cast<std::int64_t>(function->latest.code_bytes);
    for (const Version& version : function->versions)
      bytes += static_cast<std::int64_t>(version.code_bytes);
    reserved += function->reserved_concurrency.value_or(0);
  }
  l::GetAccountSettingsResponse output;
  auto& limit = output.account_limit.emplace();
  limit.total_code_size = 80'530'636'800;
  limit.code_size_unzipped = 262'144'000;
  limit.code_size_zipped = 52'428'800;
  limit.concurrent_executions = kAccountConcurrency;
  limit.unreserved_concurrent_executions = kAccountConcurrency - reserved;
  auto& usage = output.account_usage.emplace();
  usage.total_code_size = bytes;
  usage.function_count = count;
  co_return output;
}

void register_recursion(wire::Registry& registry, const Deps& deps) {
  using Put = l::PutFunctionRecursionConfigRequest;
  using Get = l::GetFunctionRecursionConfigRequest;
  registry.add<l::op::PutFunctionRecursionConfig>(
      on_function<Put>(deps, "lambda:PutFunctionRecursionConfig"),
      [&deps](const Context& context, Put input) {
        return put_recursion(deps, context, std::move(input));
      });
  registry.add<l::op::GetFunctionRecursionConfig>(
      on_function<Get>(deps, "lambda:GetFunctionRecursionConfig"),
      [&deps](const Context& context, Get input) {
        return get_recursion(deps, context, std::move(input));
      });
}

void register_runtime_settings(wire::Registry& registry, const Deps& deps) {
  using Put = l::PutRuntimeManagementConfigRequest;
  using Get = l::GetRuntimeManagementConfigRequest;
  using Signing = l::GetFunctionCodeSigningConfigRequest;
  registry.add<l::op::PutRuntimeManagementConfig>(
      on_function<Put>(deps, "lambda:PutRuntimeManagementConfig"),
      [&deps](const Context& context, Put input) {
        return put_runtime_management(deps, context, std::move(input));
      });
  registry.add<l::op::GetRuntimeManagementConfig>(
      on_function<Get>(deps, "lambda:GetRuntimeManagementConfig"),
      [&deps](const Context& context, Get input) {
        return get_runtime_management(deps, context, std::move(input));
      });
  registry.add<l::op::GetFunctionCodeSigningConfig>(
      on_function<Signing>(deps, "lambda:GetFunctionCodeSigningConfig"),
      [&deps](const Context& context, Signing input) {
        return get_code_signing(deps, context, std::move(input));
      });
}

}  // namespace

void register_settings(wire::Registry& registry, const Deps& deps) {
  register_runtime_settings(registry, deps);
  register_recursion(registry, deps);
  registry.add<l::op::ListTags>(on_tagged<l::ListTagsRequest>(deps, "lambda:ListTags"),
                                [&deps](const Context& context, l::ListTagsRequest input) {
                                  return list_tags(deps, context, std::move(input));
                                });
  registry.add<l::op::TagResource>(on_tagged<l::TagResourceRequest>(deps, "lambda:TagResource"),
                                   [&deps](const Context& context, l::TagResourceRequest input) {
                                     return tag(deps, context, std::move(input));
                                   });
  registry.add<l::op::UntagResource>(
      on_tagged<l::UntagResourceRequest>(deps, "lambda:UntagResource"),
      [&deps](const Context& context, l::UntagResourceRequest input) {
        return untag(deps, context, std::move(input));
      });
  registry.add<l::op::GetAccountSettings>(
      [](const Context&, const l::GetAccountSettingsRequest&) {
        return wire::Checks{any_resource("lambda:GetAccountSettings")};
      },
      [&deps](const Context& context, l::GetAccountSettingsRequest) {
        return account_settings(deps, context);
      });
}

}  // namespace services::lambda
