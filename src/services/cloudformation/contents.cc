// What is in a stack: its resources and its events.

#include <fmt/format.h>

#include <charconv>

#include "services/cloudformation/cloudformation.h"

namespace services::cloudformation {

namespace {

// The members that all three shapes of a resource share.
template <class Shape>
Shape render_resource(const stacks::ResourceRecord& record) {
  Shape shape;
  shape.logical_resource_id = record.id;
  shape.physical_resource_id = if_any(record.now.id);
  shape.resource_type = record.type;
  shape.resource_status = record.status;
  shape.resource_status_reason = if_any(record.reason);
  shape.drift_information.emplace().stack_resource_drift_status = "NOT_CHECKED";
  return shape;
}

cf::StackResourceSummary render_summary(const stacks::ResourceRecord& record) {
  auto summary = render_resource<cf::StackResourceSummary>(record);
  summary.last_updated_timestamp = base::from_epoch_ms(record.changed_ms);
  return summary;
}

Answer<op::DescribeStackResource::Output> describe_one(const Deps& deps,
                                                       const wire::Context& context,
                                                       op::DescribeStackResource::Input input) {
  const std::string name = input.stack_name.value_or("");
  const auto found = co_await deps.engine.find(context.account_id, context.region, name);
  if (!found) co_return invalid(fmt::format("Stack '{}' does not exist", name));
  const auto resource = found->resources.find(input.logical_resource_id.value_or(""));
  if (resource == found->resources.end())
    co_return invalid(fmt::format("Resource {} does not exist for stack {}",
                                  input.logical_resource_id.value_or(""), name));
  op::DescribeStackResource::Output output;
  auto& detail = output.stack_resource_detail.emplace(
      render_resource<cf::StackResourceDetail>(resource->second));
  detail.stack_name = found->record.name;
  detail.stack_id = found->record.id;
  detail.last_updated_timestamp = base::from_epoch_ms(resource->second.changed_ms);
  const stacks::Value& metadata = resource->second.metadata;
  detail.metadata = metadata.is_null() ? "{}" : stacks::to_json(metadata);
  co_return output;
}

Answer<op::DescribeStackResources::Output> describe_all(const Deps& deps,
                                                        const wire::Context& context,
                                                        op::DescribeStackResources::Input input) {
  if (!input.stack_name && !input.physical_resource_id)
    co_return invalid("Either StackName or PhysicalResourceId must be specified");
  if (input.stack_name && input.physical_resource_id)
    co_return invalid("You cannot specify both StackName and PhysicalResourceId");
  std::optional<stacks::StackView> found;
  if (input.stack_name)
    found = co_await deps.engine.find(context.account_id, context.region, *input.stack_name);
  else
    found = co_await deps.engine.find_by_resource(context.account_id, context.region,
                                                  *input.physical_resource_id);
  if (!found && input.stack_name)
    co_return invalid(fmt::format("Stack with id {} does not exist", *input.stack_name));
  if (!found)
    co_return invalid(fmt::format("Stack for {} does not exist", *input.physical_resource_id));
  op::DescribeStackResources::Output output;
  auto& resources = output.stack_resources.emplace();
  for (const auto& [id, record] : found->resources) {
    if (input.logical_resource_id && id != *input.logical_resource_id) continue;
    auto resource = render_resource<cf::StackResource>(record);
    resource.stack_name = found->record.name;
    resource.stack_id = found->record.id;
    resource.timestamp = base::from_epoch_ms(record.changed_ms);
    resources.push_back(std::move(resource));
  }
  co_return output;
}

Answer<op::ListStackResources::Output> list(const Deps& deps, const wire::Context& context,
                                            op::ListStackResources::Input input) {
  const std::string name = input.stack_name.value_or("");
  const auto found = co_await deps.engine.find(context.account_id, context.region, name);
  if (!found) co_return invalid(fmt::format("Stack with id {} does not exist", name));
  std::vector<stacks::ResourceRecord> all;
  for (const auto& [id, record] : found->resources) all.push_back(record);
  op::ListStackResources::Output output;
  output.stack_resource_summaries = page(output, input.next_token, all, render_summary);
  co_return output;
}

cf::StackEvent render_event(const stacks::StackRecord& stack, const stacks::EventRecord& event) {
  cf::StackEvent rendered;
  rendered.stack_id = stack.id;
  rendered.stack_name = stack.name;
  rendered.event_id = event.id;
  rendered.logical_resource_id = event.logical_id;
  rendered.physical_resource_id = event.physical_id;
  rendered.resource_type = event.type;
  rendered.timestamp = base::from_epoch_ms(event.time_ms);
  rendered.resource_status = event.status;
  rendered.resource_status_reason = if_any(event.reason);
  rendered.resource_properties = if_any(event.properties);
  rendered.client_request_token = if_any(event.client_token);
  return rendered;
}

Answer<op::DescribeStackEvents::Output> events(const Deps& deps, const wire::Context& context,
                                               op::DescribeStackEvents::Input input) {
  const std::string name = input.stack_name.value_or("");
  const auto found = co_await deps.engine.find(context.account_id, context.region, name);
  if (!found) co_return invalid(fmt::format("Stack [{}] does not exist", name));
  std::uint64_t before = 0;
  if (input.next_token) {
    const std::string& token = *input.next_token;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), before);
    if (error != std::errc() || end != token.data() + token.size() || before == 0)
      co_return invalid("Invalid NextToken");
  }
  auto page_of_events = co_await deps.engine.events(found->record.uuid, before, kPageEntries);
  if (!page_of_events) co_return std::unexpected(api::internal_failure());
  op::DescribeStackEvents::Output output;
  auto& rendered = output.stack_events.emplace();
  for (const stacks::EventRecord& event : *page_of_events)
    rendered.push_back(render_event(found->record, event));
  if (page_of_events->size() == kPageEntries && page_of_events->back().number > 1)
    output.next_token = std::to_string(page_of_events->back().number);
  co_return output;
}

}  // namespace

void register_contents(wire::Registry& registry, const Deps& deps) {
  using wire::Context;
  registry.add<op::DescribeStackResource>(on_stack<op::DescribeStackResource>,
                                          [&deps](const Context& context, auto input) {
                                            return describe_one(deps, context, std::move(input));
                                          });
  registry.add<op::DescribeStackResources>(on_stack<op::DescribeStackResources>,
                                           [&deps](const Context& context, auto input) {
                                             return describe_all(deps, context, std::move(input));
                                           });
  registry.add<op::ListStackResources>(on_stack<op::ListStackResources>,
                                       [&deps](const Context& context, auto input) {
                                         return list(deps, context, std::move(input));
                                       });
  registry.add<op::DescribeStackEvents>(on_stack<op::DescribeStackEvents>,
                                        [&deps](const Context& context, auto input) {
                                          return events(deps, context, std::move(input));
                                        });
}

}  // namespace services::cloudformation
