#include "services/lambda/lambda.h"

#include <fmt/format.h>

#include <algorithm>

#include "auth/policy.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace services::lambda {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t colon = text.find(':');
    parts.emplace_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

// 2026-11-23T06:19:01.000+0000
std::string last_modified(base::Timestamp time) {
  std::string text = base::iso8601_ms(time);
  text.pop_back();
  return text + "+0000";
}

}  // namespace

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(l::kService, l::operations());
  register_functions(registry, deps);
  register_configuration(registry, deps);
  register_code(registry, deps);
  register_layers(registry, deps);
  register_invoke(registry, deps);
  register_event_invoke(registry, deps);
  register_versions(registry, deps);
  register_aliases(registry, deps);
  register_permissions(registry, deps);
  register_urls(registry, deps);
  register_settings(registry, deps);
  register_concurrency(registry, deps);
  register_mappings(registry, deps);
  register_operating(registry, deps);
}

std::string Target::arn() const {
  return qualifier.empty() ? key.arn() : key.arn() + ':' + qualifier;
}

api::Outcome<Target> target_of(const Context& context, const std::string& name,
                               const std::optional<std::string>& qualifier) {
  Target target{{context.account_id, context.region, {}}, {}};
  std::vector<std::string> parts = split(name);
  std::size_t at = 0;
  if (parts.size() >= 7 && parts[0] == "arn") {
    target.key.region = parts[3];
    target.key.account_id = parts[4];
    at = 6;
  } else if (parts.size() >= 3 && parts[1] == "function") {
    target.key.account_id = parts[0];
    at = 2;
  } else if (parts.size() >= 2 && parts[0] == "function") {
    at = 1;
  }
  target.key.name = parts[at];
  if (parts.size() > at + 1) target.qualifier = parts[at + 1];
  if (target.key.region != context.region)
    return std::unexpected(l::resource_not_found(
        fmt::format("Functions from '{}' are not reachable in this region ('{}')",
                    target.key.region, context.region)));
  if (qualifier && !qualifier->empty()) {
    if (!target.qualifier.empty() && target.qualifier != *qualifier)
      return std::unexpected(l::invalid_parameter_value(
          "The derived qualifier from the function name does not match the specified qualifier."));
    target.qualifier = *qualifier;
  }
  return target;
}

api::Outcome<FunctionPtr> find_function(const Deps& deps, const Target& target) {
  FunctionPtr function = deps.catalogue.find(target.key);
  if (function == nullptr) return std::unexpected(functions::function_not_found(target.arn()));
  return function;
}

api::Outcome<Found> find_version(const Deps& deps, const Target& target) {
  auto function = find_function(deps, target);
  if (!function) return std::unexpected(function.error());
  const Version* const version = (*function)->resolve(target.qualifier);
  if (version == nullptr) return std::unexpected(functions::function_not_found(target.arn()));
  return Found{*function, version};
}

auth::Check function_check(const Deps& deps, std::string action, const Target& target) {
  auth::Check check{.action = std::move(action), .resource = target.arn()};
  check.resource_account = target.key.account_id;
  const FunctionPtr function = deps.catalogue.find(target.key);
  if (function == nullptr) return check;
  const std::string qualifier =
      target.qualifier == functions::kLatest ? std::string() : target.qualifier;
  const auto policy = function->policies.find(qualifier);
  if (policy == function->policies.end() || policy->second.permissions.empty()) return check;
  auto parsed = auth::parse_shared_policy(policy->second.document(), auth::PolicyKind::kResource);
  if (parsed) check.resource_policy = *std::move(parsed);
  return check;
}

auth::Check pass_role(const std::string& role) {
  return {.action = "iam:PassRole",
          .resource = role,
          .context = {{"iam:PassedToService", {"lambda.amazonaws.com"}}}};
}

auth::Check any_resource(std::string action) {
  return {.action = std::move(action), .resource = "*"};
}

l::FunctionConfiguration render(const Function& function, const Version& v,
                                const std::string& arn) {
  l::FunctionConfiguration out;
  out.function_name = function.key.name;
  out.function_arn = arn;
  out.runtime = v.runtime;
  out.role = v.role;
  out.handler = v.handler;
  out.code_size = static_cast<std::int64_t>(v.code_bytes);
  out.description = v.description;
  out.timeout = v.timeout_s;
  out.memory_size = v.memory_mb;
  out.last_modified = last_modified(v.modified);
  out.code_sha256 = base::base64(v.code_sha256);
  out.version = v.version;
  if (!v.layers.empty()) {
    auto& layers = out.layers.emplace();
    for (const functions::LayerUse& use : v.layers) {
      l::Layer& layer = layers.emplace_back();
      layer.arn = use.arn;
      layer.code_size = static_cast<std::int64_t>(use.code_bytes);
    }
  }
  if (v.environment) out.environment.emplace().variables = *v.environment;
  if (!v.kms_key_arn.empty()) out.kms_key_arn = v.kms_key_arn;
  out.tracing_config.emplace().mode = v.tracing_mode;
  out.revision_id = v.revision_id;
  out.state = "Active";
  out.last_update_status = "Successful";
  out.package_type = "Zip";
  out.architectures = v.architectures;
  out.ephemeral_storage.emplace().size = v.tmp_mb;
  auto& snap_start = out.snap_start.emplace();
  snap_start.apply_on = v.snap_start;
  snap_start.optimization_status = "Off";
  out.runtime_version_config.emplace().runtime_version_arn =
      fmt::format("arn:aws:lambda:{}::runtime:{}", function.key.region, base::hex(v.runtime));
  auto& logging = out.logging_config.emplace();
  logging.log_format = v.log_format;
  logging.log_group = v.log_group;
  if (!v.application_log_level.empty()) logging.application_log_level = v.application_log_level;
  if (!v.system_log_level.empty()) logging.system_log_level = v.system_log_level;
  return out;
}

api::Error stale_revision(std::string_view ask) {
  return l::precondition_failed(fmt::format(
      "The Revision Id provided does not match the latest Revision Id. Call the {} API to "
      "retrieve the latest Revision Id",
      ask));
}

api::Error not_here(std::string_view property) {
  return l::invalid_parameter_value(fmt::format("{} is not supported by Millrace.", property));
}

void touch(const Deps& deps, Version& version, bool redeploy) {
  version.revision_id = base::uuid(deps.random);
  version.modified = deps.clock.now();
  if (redeploy) version.deployment_id = base::uuid(deps.random);
}

api::Outcome<Target> unqualified(const Context& context, const std::string& name) {
  auto target = target_of(context, name, std::nullopt);
  if (target && !target->qualifier.empty())
    return std::unexpected(l::invalid_parameter_value(
        "This operation is permitted on Lambda functions only. Aliases and versions do not "
        "support this operation. Please specify either a function name or an unqualified function "
        "ARN."));
  return target;
}

}  // namespace services::lambda
