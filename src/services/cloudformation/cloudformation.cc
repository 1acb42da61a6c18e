#include "services/cloudformation/cloudformation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "stacks/transform.h"

namespace services::cloudformation {

std::unexpected<api::Error> invalid(std::string message) {
  return api::fail("ValidationError", 400, std::move(message));
}

std::string arn_for(const wire::Context& context, const std::optional<std::string>& name_or_id) {
  if (!name_or_id || name_or_id->empty()) return "*";
  if (name_or_id->starts_with("arn:")) return *name_or_id;
  return fmt::format("arn:aws:cloudformation:{}:{}:stack/{}/*", context.region, context.account_id,
                     *name_or_id);
}

api::Outcome<stacks::TemplateText> expand(std::string body,
                                          const std::vector<std::string>* capabilities,
                                          const std::map<std::string, std::string>& parameters) {
  auto expanded = stacks::expand_transforms(body, parameters);
  if (!expanded) return invalid(expanded.error().message);
  const bool is_macro = *expanded != body;
  if (is_macro && capabilities != nullptr &&
      std::find(capabilities->begin(), capabilities->end(), "CAPABILITY_AUTO_EXPAND") ==
          capabilities->end())
    return std::unexpected(
        cf::insufficient_capabilities("Requires capabilities : [CAPABILITY_AUTO_EXPAND]"));
  return stacks::TemplateText{.original = std::move(body), .processed = *std::move(expanded)};
}

async::Task<std::map<std::string, std::string>> values_of(
    const Deps& deps, const wire::Context& context, std::string stack,
    std::vector<stacks::GivenParameter> given) {
  std::map<std::string, std::string> values;
  std::set<std::string> previous;
  for (stacks::GivenParameter& one : given)
    if (one.use_previous) previous.insert(std::move(one.name));
    else if (one.value) values.emplace(std::move(one.name), *std::move(one.value));
  if (previous.empty()) co_return values;
  const auto found =
      co_await deps.engine.find(context.account_id, context.region, std::move(stack));
  if (found)
    for (const stacks::StoredParameter& stored : found->record.blueprint.parameters)
      if (previous.contains(stored.name)) values.emplace(stored.name, stored.text);
  co_return values;
}

Answer<stacks::TemplateText> read_source(const Deps& deps, const wire::Context& context,
                                         std::optional<std::string> body,
                                         std::optional<std::string> url) {
  if (body && url) co_return invalid("Specify exactly one of 'TemplateBody' or 'TemplateURL'");
  if (body) {
    if (body->size() > stacks::kTemplateBodyBytesMax)
      co_return invalid(fmt::format(
          "1 validation error detected: Value '{}...' at 'templateBody' failed to satisfy "
          "constraint: Member must have length less than or equal to {}",
          body->substr(0, 100), stacks::kTemplateBodyBytesMax));
    co_return stacks::TemplateText{.original = *std::move(body), .processed = {}};
  }
  if (!url) co_return stacks::TemplateText();
  auto text = co_await deps.templates.read(context, *std::move(url));
  if (!text) co_return std::unexpected(std::move(text).error());
  co_return stacks::TemplateText{.original = *std::move(text), .processed = {}};
}

std::vector<stacks::GivenParameter> read_parameters(
    const std::optional<std::vector<cf::Parameter>>& parameters) {
  std::vector<stacks::GivenParameter> given;
  if (!parameters) return given;
  for (const cf::Parameter& parameter : *parameters)
    given.push_back({.name = parameter.parameter_key.value_or(""),
                     .value = parameter.parameter_value,
                     .use_previous = parameter.use_previous_value.value_or(false)});
  return given;
}

std::vector<stacks::Tag> read_tags(const std::optional<std::vector<cf::Tag>>& tags) {
  std::vector<stacks::Tag> read;
  if (tags)
    for (const cf::Tag& tag : *tags) read.push_back({tag.key.value_or(""), tag.value.value_or("")});
  return read;
}

std::optional<std::string> if_any(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::vector<cf::Parameter> render_parameters(const std::vector<stacks::StoredParameter>& stored) {
  std::vector<cf::Parameter> parameters;
  for (const stacks::StoredParameter& one : stored) {
    cf::Parameter parameter;
    parameter.parameter_key = one.name;
    parameter.parameter_value = one.no_echo ? std::string(stacks::kMaskedValue) : one.text;
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

std::vector<cf::Tag> render_tags(const std::vector<stacks::Tag>& tags) {
  std::vector<cf::Tag> rendered;
  for (const stacks::Tag& tag : tags) {
    cf::Tag one;
    one.key = tag.key;
    one.value = tag.value;
    rendered.push_back(std::move(one));
  }
  return rendered;
}

std::string capabilities_reason(const stacks::NeededCapabilities& needed) {
  return fmt::format("The following resource(s) require capabilities: [{}]",
                     fmt::join(needed.resource_types, ", "));
}

cf::Stack render_stack(const stacks::StackRecord& record) {
  const stacks::Blueprint& blueprint =
      record.operation && record.operation->target ? *record.operation->target : record.blueprint;
  cf::Stack stack;
  stack.stack_id = record.id;
  stack.stack_name = record.name;
  stack.change_set_id = if_any(record.change_set_id);
  stack.description = if_any(blueprint.description);
  if (!blueprint.parameters.empty()) stack.parameters = render_parameters(blueprint.parameters);
  stack.creation_time = base::from_epoch_ms(record.created_ms);
  if (record.updated_ms != 0) stack.last_updated_time = base::from_epoch_ms(record.updated_ms);
  if (record.deleted_ms != 0) stack.deletion_time = base::from_epoch_ms(record.deleted_ms);
  stack.rollback_configuration.emplace();
  stack.stack_status = record.status;
  stack.stack_status_reason = if_any(record.status_reason);
  stack.disable_rollback = record.disable_rollback;
  stack.notification_ar_ns = blueprint.notification_arns;
  if (record.timeout_minutes > 0)
    stack.timeout_in_minutes = static_cast<std::int32_t>(record.timeout_minutes);
  if (!blueprint.capabilities.empty()) stack.capabilities = blueprint.capabilities;
  if (!record.outputs.empty()) {
    auto& outputs = stack.outputs.emplace();
    for (const stacks::Output& output : record.outputs) {
      cf::Output one;
      one.output_key = output.name;
      one.output_value = output.value;
      one.description = if_any(output.description);
      one.export_name = if_any(output.export_name);
      outputs.push_back(std::move(one));
    }
  }
  stack.role_arn = if_any(blueprint.role_arn);
  stack.tags = render_tags(blueprint.tags);
  stack.enable_termination_protection = record.termination_protection;
  stack.parent_id = if_any(record.parent_id);
  stack.root_id = if_any(record.root_id);
  stack.drift_information.emplace().stack_drift_status = "NOT_CHECKED";
  return stack;
}

cf::StackSummary render_summary(const stacks::StackRecord& record) {
  cf::StackSummary summary;
  summary.stack_id = record.id;
  summary.stack_name = record.name;
  summary.template_description = if_any(record.blueprint.description);
  summary.creation_time = base::from_epoch_ms(record.created_ms);
  if (record.updated_ms != 0) summary.last_updated_time = base::from_epoch_ms(record.updated_ms);
  if (record.deleted_ms != 0) summary.deletion_time = base::from_epoch_ms(record.deleted_ms);
  summary.stack_status = record.status;
  summary.stack_status_reason = if_any(record.status_reason);
  summary.parent_id = if_any(record.parent_id);
  summary.root_id = if_any(record.root_id);
  summary.drift_information.emplace().stack_drift_status = "NOT_CHECKED";
  return summary;
}

void register_operations(wire::Registry& registry, const Deps& deps) {
  registry.add_service(cf::kService, cf::operations());
  register_stack_operations(registry, deps);
  register_contents(registry, deps);
  register_templates(registry, deps);
  register_change_sets(registry, deps);
  register_exports(registry, deps);
}

}  // namespace services::cloudformation
