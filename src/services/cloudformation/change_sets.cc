// Change sets.

#include <fmt/format.h>

#include "services/cloudformation/cloudformation.h"
#include "stacks/shape_values.h"

namespace services::cloudformation {

namespace {

template <class Op>
wire::Checks on_change_set(const wire::Context& context, const typename Op::Input& input) {
  // By ARN alone the stack is not known before it is looked up; the ARN itself is asked for.
  const auto& name = input.stack_name ? input.stack_name : input.change_set_name;
  return {{.action = "cloudformation:" + std::string(Op::info().name),
           .resource = arn_for(context, name)}};
}

Answer<op::CreateChangeSet::Output> create(const Deps& deps, const wire::Context& context,
                                           op::CreateChangeSet::Input input) {
  if (input.change_set_type == "IMPORT" ||
      (input.resources_to_import && !input.resources_to_import->empty()))
    co_return invalid("Importing resources is not supported by Millrace");
  stacks::ChangeSetRequest request;
  request.caller = context;
  request.stack = input.stack_name.value_or("");
  request.name = input.change_set_name.value_or("");
  request.type = input.change_set_type.value_or("UPDATE");
  request.description = input.description.value_or("");
  request.on_failure = input.on_stack_failure.value_or("");
  request.use_previous_template = input.use_previous_template.value_or(false);
  request.input.parameters = read_parameters(input.parameters);
  request.input.tags = read_tags(input.tags);
  request.input.capabilities = input.capabilities.value_or(std::vector<std::string>());
  request.input.notification_arns = input.notification_ar_ns.value_or(std::vector<std::string>());
  request.input.role_arn = input.role_arn.value_or("");
  request.input.resource_types = input.resource_types.value_or(std::vector<std::string>());
  if (!request.use_previous_template) {
    auto source = co_await read_source(deps, context, std::move(input.template_body),
                                       std::move(input.template_url));
    if (!source) co_return std::unexpected(std::move(source).error());
    if (source->original.empty())
      co_return invalid("Either Template URL or Template Body must be specified.");
    const auto values = co_await values_of(deps, context, request.stack, request.input.parameters);
    auto expanded = expand(std::move(source->original), nullptr, values);
    if (!expanded) co_return std::unexpected(std::move(expanded).error());
    request.input.source = *std::move(expanded);
  }
  auto made = co_await deps.engine.create_change_set(std::move(request));
  if (!made) co_return std::unexpected(std::move(made).error());
  op::CreateChangeSet::Output output;
  output.id = made->id;
  output.stack_id = made->stack_id;
  co_return output;
}

std::string stack_name_of(const std::string& stack_id) {
  const auto start = stack_id.find(":stack/") + 7;
  return stack_id.substr(start, stack_id.find('/', start) - start);
}

cf::Change render_change(const stacks::Value& value) {
  cf::Change change;
  change.type = "Resource";
  // The stored form has the structure's own members; what cannot be read is left out.
  const api::Shape& structure = stacks::member_shape(
      *stacks::member_shape(*op::DescribeChangeSet::info().output, "Changes").element,
      "ResourceChange");
  (void)stacks::fill(structure, &change.resource_change.emplace(), value);
  return change;
}

Answer<op::DescribeChangeSet::Output> describe(const Deps& deps, const wire::Context& context,
                                               op::DescribeChangeSet::Input input) {
  auto found = co_await deps.engine.find_change_set(context.account_id, context.region,
                                                    input.stack_name.value_or(""),
                                                    input.change_set_name.value_or(""));
  if (!found) co_return std::unexpected(std::move(found).error());
  op::DescribeChangeSet::Output output;
  output.change_set_name = found->name;
  output.change_set_id = found->id;
  output.stack_id = found->stack_id;
  output.stack_name = stack_name_of(found->stack_id);
  output.description = if_any(found->description);
  if (!found->target.parameters.empty())
    output.parameters = render_parameters(found->target.parameters);
  output.creation_time = base::from_epoch_ms(found->created_ms);
  output.execution_status = found->execution_status;
  output.status = found->status;
  output.status_reason = if_any(found->status_reason);
  output.notification_ar_ns = found->target.notification_arns;
  output.rollback_configuration.emplace();
  output.capabilities = found->target.capabilities;
  if (!found->target.tags.empty()) output.tags = render_tags(found->target.tags);
  output.include_nested_stacks = false;
  output.on_stack_failure = if_any(found->on_failure);
  output.changes = page(output, input.next_token, found->changes.items(), render_change);
  co_return output;
}

cf::ChangeSetSummary render_summary(const stacks::ChangeSetRecord& record) {
  cf::ChangeSetSummary summary;
  summary.stack_id = record.stack_id;
  summary.stack_name = stack_name_of(record.stack_id);
  summary.change_set_id = record.id;
  summary.change_set_name = record.name;
  summary.execution_status = record.execution_status;
  summary.status = record.status;
  summary.status_reason = if_any(record.status_reason);
  summary.creation_time = base::from_epoch_ms(record.created_ms);
  summary.description = if_any(record.description);
  summary.include_nested_stacks = false;
  return summary;
}

Answer<op::ListChangeSets::Output> list(const Deps& deps, const wire::Context& context,
                                        op::ListChangeSets::Input input) {
  auto all = co_await deps.engine.list_change_sets(context.account_id, context.region,
                                                   input.stack_name.value_or(""));
  if (!all) co_return std::unexpected(std::move(all).error());
  op::ListChangeSets::Output output;
  output.summaries = page(output, input.next_token, *all, render_summary);
  co_return output;
}

Answer<op::DeleteChangeSet::Output> remove(const Deps& deps, const wire::Context& context,
                                           op::DeleteChangeSet::Input input) {
  auto removed = co_await deps.engine.delete_change_set(context.account_id, context.region,
                                                        input.stack_name.value_or(""),
                                                        input.change_set_name.value_or(""));
  if (!removed) co_return std::unexpected(std::move(removed).error());
  co_return op::DeleteChangeSet::Output();
}

Answer<op::ExecuteChangeSet::Output> execute(const Deps& deps, const wire::Context& context,
                                             op::ExecuteChangeSet::Input input) {
  auto executed = co_await deps.engine.execute_change_set(
      context, input.stack_name.value_or(""), input.change_set_name.value_or(""),
      input.disable_rollback, input.client_request_token.value_or(""));
  if (!executed) co_return std::unexpected(std::move(executed).error());
  co_return op::ExecuteChangeSet::Output();
}

}  // namespace

void register_change_sets(wire::Registry& registry, const Deps& deps) {
  using wire::Context;
  registry.add<op::CreateChangeSet>(on_stack_with_role<op::CreateChangeSet>,
                                    [&deps](const Context& context, auto input) {
                                      return create(deps, context, std::move(input));
                                    });
  registry.add<op::DescribeChangeSet>(on_change_set<op::DescribeChangeSet>,
                                      [&deps](const Context& context, auto input) {
                                        return describe(deps, context, std::move(input));
                                      });
  registry.add<op::ListChangeSets>(on_stack<op::ListChangeSets>,
                                   [&deps](const Context& context, auto input) {
                                     return list(deps, context, std::move(input));
                                   });
  registry.add<op::DeleteChangeSet>(on_change_set<op::DeleteChangeSet>,
                                    [&deps](const Context& context, auto input) {
                                      return remove(deps, context, std::move(input));
                                    });
  registry.add<op::ExecuteChangeSet>(on_change_set<op::ExecuteChangeSet>,
                                     [&deps](const Context& context, auto input) {
                                       return execute(deps, context, std::move(input));
                                     });
}

}  // namespace services::cloudformation
