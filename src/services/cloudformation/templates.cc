// Templates: validate, get, summarise.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "services/cloudformation/cloudformation.h"

namespace services::cloudformation {

namespace {

// A template that is only asked about has no values: parameters stand for themselves.
std::map<std::string, std::string> names_of_parameters(const std::string& text) {
  std::map<std::string, std::string> named;
  const auto document = stacks::parse_document(text);
  if (const auto* declared = document ? document->find("Parameters") : nullptr)
    for (const std::string& name : declared->keys()) named.emplace(name, name);
  return named;
}

// A template that is asked about, parsed and with its types checked.
Answer<stacks::Template> read_template(const Deps& deps, const wire::Context& context,
                                       std::optional<std::string> body,
                                       std::optional<std::string> url) {
  auto source = co_await read_source(deps, context, std::move(body), std::move(url));
  if (!source) co_return std::unexpected(std::move(source).error());
  if (source->original.empty())
    co_return invalid("Either Template URL or Template Body must be specified.");
  const auto named = names_of_parameters(source->original);
  auto expanded = expand(std::move(source->original), nullptr, named);
  if (!expanded) co_return std::unexpected(std::move(expanded).error());
  auto parsed = stacks::parse_template(expanded->processed);
  if (!parsed) co_return invalid(parsed.error().message);
  const auto types = stacks::check_types(*parsed, deps.engine.registry());
  if (!types) co_return invalid(types.error().message);
  // The transforms that the author declared, not those that are left.
  const auto original = stacks::parse_document(expanded->original);
  if (const auto* transform = original ? original->find("Transform") : nullptr) {
    parsed->transforms.clear();
    if (transform->is_string()) parsed->transforms.push_back(transform->text());
    for (const auto& item : transform->items()) parsed->transforms.push_back(item.text());
  }
  co_return *std::move(parsed);
}

template <class Output>
void add_capabilities(Output& output, const stacks::Template& source) {
  const auto needed = stacks::needed_capabilities(source);
  if (needed.capabilities.empty()) return;
  output.capabilities = needed.capabilities;
  output.capabilities_reason = capabilities_reason(needed);
}

Answer<op::ValidateTemplate::Output> validate(const Deps& deps, const wire::Context& context,
                                              op::ValidateTemplate::Input input) {
  auto source = co_await read_template(deps, context, std::move(input.template_body),
                                       std::move(input.template_url));
  if (!source) co_return std::unexpected(std::move(source).error());
  op::ValidateTemplate::Output output;
  auto& parameters = output.parameters.emplace();
  for (const stacks::ParameterDeclaration& declared : source->parameters) {
    cf::TemplateParameter parameter;
    parameter.parameter_key = declared.name;
    parameter.default_value = declared.default_value;
    parameter.no_echo = declared.no_echo;
    parameter.description = if_any(declared.description);
    parameters.push_back(std::move(parameter));
  }
  output.description = if_any(source->description);
  if (!source->transforms.empty()) output.declared_transforms = source->transforms;
  add_capabilities(output, *source);
  co_return output;
}

Answer<op::GetTemplate::Output> get(const Deps& deps, const wire::Context& context,
                                    op::GetTemplate::Input input) {
  stacks::TemplateText text;
  if (input.change_set_name) {
    if (!input.stack_name && !input.change_set_name->starts_with("arn:"))
      co_return invalid("StackName is a required parameter.");
    auto found = co_await deps.engine.find_change_set(
        context.account_id, context.region, input.stack_name.value_or(""), *input.change_set_name);
    if (!found) co_return std::unexpected(std::move(found).error());
    text = found->source;
  } else if (!input.stack_name) {
    co_return invalid("StackName is required if ChangeSetName is not specified.");
  } else {
    const auto found =
        co_await deps.engine.find(context.account_id, context.region, *input.stack_name);
    if (!found)
      co_return invalid(fmt::format("Stack with id {} does not exist", *input.stack_name));
    auto stored = co_await deps.engine.template_of(found->record.uuid);
    if (!stored) co_return std::unexpected(api::internal_failure());
    text = *std::move(stored);
  }
  op::GetTemplate::Output output;
  const bool processed = input.template_stage == "Processed";
  output.template_body = processed ? text.processed : text.original;
  output.stages_available = {"Original", "Processed"};
  co_return output;
}

cf::ParameterDeclaration render_parameter(const stacks::ParameterDeclaration& declared) {
  cf::ParameterDeclaration parameter;
  parameter.parameter_key = declared.name;
  parameter.default_value = declared.default_value;
  parameter.parameter_type = declared.type;
  parameter.no_echo = declared.no_echo;
  parameter.description = if_any(declared.description);
  auto& constraints = parameter.parameter_constraints.emplace();
  if (!declared.allowed_values.empty()) constraints.allowed_values = declared.allowed_values;
  return parameter;
}

op::GetTemplateSummary::Output summary_of(const stacks::Template& source) {
  op::GetTemplateSummary::Output output;
  auto& parameters = output.parameters.emplace();
  for (const stacks::ParameterDeclaration& declared : source.parameters)
    parameters.push_back(render_parameter(declared));
  output.description = if_any(source.description);
  std::set<std::string> types;
  for (const stacks::ResourceDeclaration& resource : source.resources) types.insert(resource.type);
  output.resource_types.emplace(types.begin(), types.end());
  output.version = if_any(source.document.text_of("AWSTemplateFormatVersion"));
  if (!source.metadata.is_null()) output.metadata = stacks::to_json(source.metadata);
  if (!source.transforms.empty()) output.declared_transforms = source.transforms;
  add_capabilities(output, source);
  return output;
}

Answer<op::GetTemplateSummary::Output> summarise(const Deps& deps, const wire::Context& context,
                                                 op::GetTemplateSummary::Input input) {
  if (input.stack_set_name) co_return invalid("Stack sets are not supported by Millrace");
  if (input.stack_name) {
    const auto found =
        co_await deps.engine.find(context.account_id, context.region, *input.stack_name);
    if (!found)
      co_return invalid(fmt::format("Stack with id {} does not exist", *input.stack_name));
    if (found->record.status == "REVIEW_IN_PROGRESS")
      co_return invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.");
    auto stored = co_await deps.engine.template_of(found->record.uuid);
    if (!stored) co_return std::unexpected(api::internal_failure());
    auto parsed = stacks::parse_template(stored->processed);
    if (!parsed) co_return invalid(parsed.error().message);
    co_return summary_of(*parsed);
  }
  auto source = co_await read_template(deps, context, std::move(input.template_body),
                                       std::move(input.template_url));
  if (!source) co_return std::unexpected(std::move(source).error());
  co_return summary_of(*source);
}

Answer<op::EstimateTemplateCost::Output> estimate() {
  co_return invalid("EstimateTemplateCost is not supported by Millrace: nothing here costs money");
}

}  // namespace

void register_templates(wire::Registry& registry, const Deps& deps) {
  using wire::Context;
  registry.add<op::ValidateTemplate>(on_any<op::ValidateTemplate>,
                                     [&deps](const Context& context, auto input) {
                                       return validate(deps, context, std::move(input));
                                     });
  registry.add<op::GetTemplate>(
      on_stack<op::GetTemplate>,
      [&deps](const Context& context, auto input) { return get(deps, context, std::move(input)); });
  registry.add<op::GetTemplateSummary>(on_stack<op::GetTemplateSummary>,
                                       [&deps](const Context& context, auto input) {
                                         return summarise(deps, context, std::move(input));
                                       });
  registry.add<op::EstimateTemplateCost>(on_any<op::EstimateTemplateCost>,
                                         [](const Context&, auto) { return estimate(); });
}

}  // namespace services::cloudformation
