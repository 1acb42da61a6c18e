// Stacks: create, update, delete, roll back, describe, list, and what is set on them.

#include <fmt/format.h>

#include <algorithm>

#include "services/cloudformation/cloudformation.h"

namespace services::cloudformation {

namespace {

bool is_stack_name(const std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 128 && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

// The members that CreateStack, UpdateStack and CreateChangeSet have in common.
template <class Input>
stacks::StackInput input_of(const Input& input) {
  stacks::StackInput made;
  made.parameters = read_parameters(input.parameters);
  made.tags = read_tags(input.tags);
  made.capabilities = input.capabilities.value_or(std::vector<std::string>());
  made.notification_arns = input.notification_ar_ns.value_or(std::vector<std::string>());
  made.role_arn = input.role_arn.value_or("");
  made.resource_types = input.resource_types.value_or(std::vector<std::string>());
  return made;
}

template <class Input>
api::Outcome<void> refuse_unsupported(const Input& input) {
  if (input.rollback_configuration && input.rollback_configuration->rollback_triggers &&
      !input.rollback_configuration->rollback_triggers->empty())
    return invalid("Rollback triggers are not supported by Millrace");
  if (input.stack_policy_url)
    return invalid("StackPolicyURL is not supported by Millrace; give StackPolicyBody");
  return {};
}

Answer<op::CreateStack::Output> create(const Deps& deps, const wire::Context& context,
                                       op::CreateStack::Input input) {
  const std::string name = input.stack_name.value_or("");
  if (!is_stack_name(name))
    co_return invalid(fmt::format(
        "1 validation error detected: Value '{}' at 'stackName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: "
        "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*",
        name));
  if (input.disable_rollback && input.on_failure)
    co_return invalid("You cannot specify both OnFailure and DisableRollback");
  if (const auto supported = refuse_unsupported(input); !supported)
    co_return std::unexpected(supported.error());
  stacks::CreateRequest request;
  request.caller = context;
  request.name = name;
  request.input = input_of(input);
  auto source = co_await read_source(deps, context, std::move(input.template_body),
                                     std::move(input.template_url));
  if (!source) co_return std::unexpected(std::move(source).error());
  if (source->original.empty())
    co_return invalid("Either Template URL or Template Body must be specified.");
  const auto values = co_await values_of(deps, context, name, request.input.parameters);
  auto expanded = expand(std::move(source->original), &request.input.capabilities, values);
  if (!expanded) co_return std::unexpected(std::move(expanded).error());
  request.input.source = *std::move(expanded);
  request.timeout_minutes = input.timeout_in_minutes.value_or(0);
  request.on_failure = input.on_failure.value_or("ROLLBACK");
  request.disable_rollback = input.disable_rollback.value_or(false);
  request.termination_protection = input.enable_termination_protection.value_or(false);
  request.retain_except_on_create = input.retain_except_on_create.value_or(false);
  request.stack_policy = input.stack_policy_body.value_or("");
  request.client_token = input.client_request_token.value_or("");
  auto id = co_await deps.engine.create(std::move(request));
  if (!id) co_return std::unexpected(std::move(id).error());
  op::CreateStack::Output output;
  output.stack_id = *std::move(id);
  co_return output;
}

Answer<op::UpdateStack::Output> update(const Deps& deps, const wire::Context& context,
                                       op::UpdateStack::Input input) {
  if (const auto supported = refuse_unsupported(input); !supported)
    co_return std::unexpected(supported.error());
  if (input.stack_policy_during_update_body || input.stack_policy_during_update_url)
    co_return invalid("A stack policy during an update is not supported by Millrace");
  stacks::UpdateRequest request;
  request.caller = context;
  request.stack = input.stack_name.value_or("");
  request.input = input_of(input);
  request.use_previous_template = input.use_previous_template.value_or(false);
  if (input.tags) request.tags = read_tags(input.tags);
  request.disable_rollback = input.disable_rollback;
  request.retain_except_on_create = input.retain_except_on_create.value_or(false);
  request.client_token = input.client_request_token.value_or("");
  if (!request.use_previous_template) {
    auto source = co_await read_source(deps, context, std::move(input.template_body),
                                       std::move(input.template_url));
    if (!source) co_return std::unexpected(std::move(source).error());
    if (source->original.empty())
      co_return invalid("Either Template URL or Template Body must be specified.");
    const auto values = co_await values_of(deps, context, request.stack, request.input.parameters);
    auto expanded = expand(std::move(source->original), &request.input.capabilities, values);
    if (!expanded) co_return std::unexpected(std::move(expanded).error());
    request.input.source = *std::move(expanded);
  }
  auto id = co_await deps.engine.update(std::move(request));
  if (!id) co_return std::unexpected(std::move(id).error());
  op::UpdateStack::Output output;
  output.stack_id = *std::move(id);
  co_return output;
}

template <class Output>
api::Outcome<Output> plain(const api::Outcome<void>& outcome) {
  if (!outcome) return std::unexpected(outcome.error());
  return Output();
}

Answer<op::DeleteStack::Output> remove(const Deps& deps, const wire::Context& context,
                                       op::DeleteStack::Input input) {
  if (input.deletion_mode == "FORCE_DELETE_STACK")
    co_return invalid(
        "FORCE_DELETE_STACK is not supported by Millrace; name what cannot be "
        "deleted in RetainResources");
  stacks::DeleteRequest request;
  request.caller = context;
  request.stack = input.stack_name.value_or("");
  request.retain = input.retain_resources.value_or(std::vector<std::string>());
  request.role_arn = input.role_arn.value_or("");
  request.client_token = input.client_request_token.value_or("");
  auto removed = co_await deps.engine.remove(std::move(request));
  co_return plain<op::DeleteStack::Output>(removed);
}

Answer<op::DescribeStacks::Output> describe(const Deps& deps, const wire::Context& context,
                                            op::DescribeStacks::Input input) {
  op::DescribeStacks::Output output;
  if (input.stack_name) {
    const auto found =
        co_await deps.engine.find(context.account_id, context.region, *input.stack_name);
    if (!found)
      co_return invalid(fmt::format("Stack with id {} does not exist", *input.stack_name));
    output.stacks.emplace().push_back(render_stack(found->record));
    co_return output;
  }
  auto all = co_await deps.engine.list(context.account_id, context.region);
  std::erase_if(all, [](const stacks::StackRecord& record) { return record.is_deleted(); });
  output.stacks = page(output, input.next_token, all, render_stack);
  co_return output;
}

Answer<op::ListStacks::Output> list(const Deps& deps, const wire::Context& context,
                                    op::ListStacks::Input input) {
  auto all = co_await deps.engine.list(context.account_id, context.region);
  if (input.stack_status_filter && !input.stack_status_filter->empty()) {
    const auto& wanted = *input.stack_status_filter;
    std::erase_if(all, [&](const stacks::StackRecord& record) {
      return std::find(wanted.begin(), wanted.end(), record.status) == wanted.end();
    });
  }
  op::ListStacks::Output output;
  output.stack_summaries = page(output, input.next_token, all, render_summary);
  co_return output;
}

Answer<op::CancelUpdateStack::Output> cancel(const Deps& deps, const wire::Context& context,
                                             op::CancelUpdateStack::Input input) {
  auto done = co_await deps.engine.cancel_update(context, input.stack_name.value_or(""));
  co_return plain<op::CancelUpdateStack::Output>(done);
}

Answer<op::ContinueUpdateRollback::Output> continue_rollback(
    const Deps& deps, const wire::Context& context, op::ContinueUpdateRollback::Input input) {
  auto done = co_await deps.engine.continue_rollback(
      context, input.stack_name.value_or(""),
      input.resources_to_skip.value_or(std::vector<std::string>()),
      input.client_request_token.value_or(""));
  co_return plain<op::ContinueUpdateRollback::Output>(done);
}

Answer<op::RollbackStack::Output> roll_back(const Deps& deps, const wire::Context& context,
                                            op::RollbackStack::Input input) {
  auto id = co_await deps.engine.roll_back(context, input.stack_name.value_or(""),
                                           input.client_request_token.value_or(""));
  if (!id) co_return std::unexpected(std::move(id).error());
  op::RollbackStack::Output output;
  output.stack_id = *std::move(id);
  co_return output;
}

Answer<op::UpdateTerminationProtection::Output> protect(
    const Deps& deps, const wire::Context& context, op::UpdateTerminationProtection::Input input) {
  auto id = co_await deps.engine.set_termination_protection(
      context.account_id, context.region, input.stack_name.value_or(""),
      input.enable_termination_protection.value_or(false));
  if (!id) co_return std::unexpected(std::move(id).error());
  op::UpdateTerminationProtection::Output output;
  output.stack_id = *std::move(id);
  co_return output;
}

Answer<op::SetStackPolicy::Output> set_policy(const Deps& deps, const wire::Context& context,
                                              op::SetStackPolicy::Input input) {
  if (input.stack_policy_body && input.stack_policy_url)
    co_return invalid("You cannot specify both StackPolicyURL and StackPolicyBody");
  if (input.stack_policy_url)
    co_return invalid("StackPolicyURL is not supported by Millrace; give StackPolicyBody");
  const auto policy = stacks::parse_json(input.stack_policy_body.value_or(""));
  if (!policy || !policy->is_object() || !policy->has("Statement"))
    co_return invalid("Error validating stack policy: Invalid stack policy");
  auto set = co_await deps.engine.set_policy(context.account_id, context.region,
                                             input.stack_name.value_or(""),
                                             *std::move(input.stack_policy_body));
  co_return plain<op::SetStackPolicy::Output>(set);
}

Answer<op::GetStackPolicy::Output> get_policy(const Deps& deps, const wire::Context& context,
                                              op::GetStackPolicy::Input input) {
  const auto found =
      co_await deps.engine.find(context.account_id, context.region, input.stack_name.value_or(""));
  if (!found)
    co_return invalid(fmt::format("Stack [{}] does not exist", input.stack_name.value_or("")));
  op::GetStackPolicy::Output output;
  output.stack_policy_body = if_any(found->record.stack_policy);
  co_return output;
}

// AWS::CloudFormation::WaitCondition takes its signals from its handle's URL only.
Answer<op::SignalResource::Output> signal(op::SignalResource::Input input) {
  co_return invalid(fmt::format(
      "SignalResource is not supported by Millrace for resource {}: send the signal to the URL of "
      "its wait condition handle",
      input.logical_resource_id.value_or("")));
}

}  // namespace

void register_stack_operations(wire::Registry& registry, const Deps& deps) {
  using wire::Context;
  registry.add<op::CreateStack>(on_stack_with_role<op::CreateStack>,
                                [&deps](const Context& context, auto input) {
                                  return create(deps, context, std::move(input));
                                });
  registry.add<op::UpdateStack>(on_stack_with_role<op::UpdateStack>,
                                [&deps](const Context& context, auto input) {
                                  return update(deps, context, std::move(input));
                                });
  registry.add<op::DeleteStack>(on_stack_with_role<op::DeleteStack>,
                                [&deps](const Context& context, auto input) {
                                  return remove(deps, context, std::move(input));
                                });
  registry.add<op::DescribeStacks>(on_stack<op::DescribeStacks>,
                                   [&deps](const Context& context, auto input) {
                                     return describe(deps, context, std::move(input));
                                   });
  registry.add<op::ListStacks>(on_any<op::ListStacks>, [&deps](const Context& context, auto input) {
    return list(deps, context, std::move(input));
  });
  registry.add<op::CancelUpdateStack>(on_stack<op::CancelUpdateStack>,
                                      [&deps](const Context& context, auto input) {
                                        return cancel(deps, context, std::move(input));
                                      });
  registry.add<op::ContinueUpdateRollback>(
      on_stack_with_role<op::ContinueUpdateRollback>, [&deps](const Context& context, auto input) {
        return continue_rollback(deps, context, std::move(input));
      });
  registry.add<op::RollbackStack>(on_stack_with_role<op::RollbackStack>,
                                  [&deps](const Context& context, auto input) {
                                    return roll_back(deps, context, std::move(input));
                                  });
  registry.add<op::UpdateTerminationProtection>(on_stack<op::UpdateTerminationProtection>,
                                                [&deps](const Context& context, auto input) {
                                                  return protect(deps, context, std::move(input));
                                                });
  registry.add<op::SetStackPolicy>(on_stack<op::SetStackPolicy>,
                                   [&deps](const Context& context, auto input) {
                                     return set_policy(deps, context, std::move(input));
                                   });
  registry.add<op::GetStackPolicy>(on_stack<op::GetStackPolicy>,
                                   [&deps](const Context& context, auto input) {
                                     return get_policy(deps, context, std::move(input));
                                   });
  registry.add<op::SignalResource>(on_stack<op::SignalResource>, [](const Context&, auto input) {
    return signal(std::move(input));
  });
}

}  // namespace services::cloudformation
