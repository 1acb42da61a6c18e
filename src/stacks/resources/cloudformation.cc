// AWS::CloudFormation::Stack, WaitConditionHandle and WaitCondition.

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "stacks/engine.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"
#include "stacks/transform.h"

namespace stacks::resources {

namespace {

std::int64_t number(const Value& properties, std::string_view name, std::int64_t otherwise) {
  const std::string text = properties.text_of(name);
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class NestedStack final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    auto input = co_await input_for(context, properties);
    if (!input) co_return std::unexpected(input.error());
    const auto parent = co_await context.engine.find(context.call.account_id, context.call.region,
                                                     context.stack_id);
    if (!parent) co_return refuse("The parent stack is gone");
    CreateRequest request;
    request.caller = context.call;
    request.name = context.name;
    request.input = *std::move(input);
    request.timeout_minutes = number(properties, "TimeoutInMinutes", 0);
    request.on_failure = parent->record.disable_rollback ? "DO_NOTHING" : "ROLLBACK";
    request.client_token = context.token;
    request.parent_id = parent->record.id;
    request.root_id = parent->record.root_id.empty() ? parent->record.id : parent->record.root_id;
    auto created = co_await context.engine.create(std::move(request));
    std::string id;
    if (created) {
      id = *created;
    } else if (context.retried && is_conflict(created.error())) {
      const auto ours =
          co_await context.engine.find(context.call.account_id, context.call.region, context.name);
      if (ours && ours->record.parent_id == context.stack_id) id = ours->record.id;
    }
    if (id.empty()) co_return std::unexpected(created.error());
    const auto settled = co_await context.engine.settled(id, context.stop);
    Made made{.physical_id = id, .failure = {}};
    if (!settled) {
      made.failure = cancelled().error();
    } else if (settled->record.status != "CREATE_COMPLETE") {
      made.failure = refuse(fmt::format("Embedded stack {} was not successfully created: {}", id,
                                        settled->record.status_reason))
                         .error();
    } else {
      made.attributes = outputs_of(settled->record);
    }
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto input = co_await input_for(context, after);
    if (!input) co_return std::unexpected(input.error());
    UpdateRequest request;
    request.caller = context.call;
    request.stack = before.id;
    request.tags = input->tags;
    request.input = *std::move(input);
    request.client_token = context.token;
    auto updated = co_await context.engine.update(std::move(request));
    const bool is_same = !updated && updated.error().message == "No updates are to be performed.";
    // A retried update finds its first try still under way.
    const bool is_ours = !updated && context.retried &&
                         updated.error().message.find("_IN_PROGRESS") != std::string::npos;
    if (!updated && !is_same && !is_ours) co_return std::unexpected(updated.error());
    const auto settled = co_await context.engine.settled(before.id, context.stop);
    if (!settled) co_return cancelled();
    const std::string& status = settled->record.status;
    if (status != "UPDATE_COMPLETE" && !(is_same && status.ends_with("_COMPLETE")))
      co_return refuse(
          fmt::format("Embedded stack {} was not successfully updated. Currently in {} with "
                      "reason: {}",
                      before.id, status, settled->record.status_reason));
    co_return Made{
        .physical_id = before.id, .attributes = outputs_of(settled->record), .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    DeleteRequest request;
    request.caller = context.call;
    request.stack = physical.id;
    request.client_token = context.token;
    auto removed = co_await context.engine.remove(std::move(request));
    if (!removed) co_return removed;
    const auto settled = co_await context.engine.settled(physical.id, context.stop);
    if (!settled && context.stop.stop_requested()) co_return cancelled();
    if (settled && !settled->record.is_deleted())
      co_return refuse(fmt::format("Embedded stack {} was not successfully deleted: {}",
                                   physical.id, settled->record.status_reason));
    co_return api::Outcome<void>();
  }

 private:
  static Value outputs_of(const StackRecord& record) {
    Value attributes = Value::object();
    for (const Output& output : record.outputs)
      attributes.set("Outputs." + output.name, Value::string(output.value));
    return attributes;
  }

  static async::Task<api::Outcome<StackInput>> input_for(const StepContext& context,
                                                         const Value& properties) {
    StackInput input;
    auto body =
        co_await context.engine.templates().read(context.call, properties.text_of("TemplateURL"));
    if (!body) co_return std::unexpected(body.error());
    std::map<std::string, std::string> given;
    if (const Value* parameters = properties.find("Parameters")) {
      for (std::size_t i = 0; i < parameters->size(); ++i) {
        const Value& value = parameters->items()[i];
        std::string text = value.text();
        for (const Value& item : value.items()) {
          if (!text.empty()) text += ',';
          text += item.text();
        }
        given[parameters->keys()[i]] = text;
        input.parameters.push_back({.name = parameters->keys()[i], .value = std::move(text)});
      }
    }
    auto expanded = expand_transforms(*body, given);
    if (!expanded) co_return refuse(expanded.error().message);
    input.source = {.original = *std::move(body), .processed = *std::move(expanded)};
    const Value tags = tag_map(properties, context.stack_tags);
    for (std::size_t i = 0; i < tags.size(); ++i)
      input.tags.push_back({tags.keys()[i], tags.items()[i].text()});
    input.notification_arns = texts(properties, "NotificationARNs");
    const auto parent = co_await context.engine.find(context.call.account_id, context.call.region,
                                                     context.stack_id);
    if (parent) {
      const auto& operation = parent->record.operation;
      const Blueprint& blueprint =
          operation && operation->target ? *operation->target : parent->record.blueprint;
      input.capabilities = blueprint.capabilities;
      input.role_arn = blueprint.role_arn;
    }
    co_return input;
  }

  const ResourceSchema schema_{.type = "AWS::CloudFormation::Stack",
                               .properties = {{"TemplateURL", OnChange::kUpdate, true},
                                              {"Parameters"},
                                              {"TimeoutInMinutes"},
                                              {"NotificationARNs"},
                                              {"Tags"}},
                               .unsupported = {},
                               .attributes = {},
                               .name = {.property = "", .max = 128},
                               .any_attribute = true};
};

class WaitConditionHandle final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value /*properties*/) const override {
    co_return Made{.physical_id = context.responses->open(context.call.region, context.token),
                   .failure = {}};
  }
  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& before,
                                         Value /*after*/) const override {
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }
  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    context.responses->close(context.responses->token_of(physical.id));
    co_return api::Outcome<void>();
  }

 private:
  const ResourceSchema schema_{.type = "AWS::CloudFormation::WaitConditionHandle",
                               .properties = {},
                               .unsupported = {},
                               .attributes = {},
                               .name = {}};
};

class WaitCondition final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    const std::string token = context.responses->token_of(properties.text_of("Handle"));
    if (token.empty())
      co_return refuse(
          "WaitCondition Handle must be a Ref to an "
          "AWS::CloudFormation::WaitConditionHandle");
    context.responses->open(context.call.region, token);
    const auto seconds = number(properties, "Timeout", 0);
    const auto count =
        static_cast<std::size_t>(std::max<std::int64_t>(1, number(properties, "Count", 1)));
    const auto deadline = context.clock.steady_now() + std::chrono::seconds(seconds);
    std::map<std::string, std::string> received;
    while (received.size() < count) {
      const auto body = co_await context.responses->next(token, deadline, context.stop);
      if (!body && context.stop.stop_requested()) co_return cancelled();
      if (!body)
        co_return refuse(
            fmt::format("WaitCondition timed out. Received {} conditions when expecting {}",
                        received.size(), count));
      const auto signal = parse_json(*body);
      if (!signal) continue;
      const std::string id = signal->text_of("UniqueId");
      if (signal->text_of("Status") == "FAILURE")
        co_return refuse(fmt::format("WaitCondition received failed message: '{}' for uniqueId: {}",
                                     signal->text_of("Reason"), id));
      received[id] = signal->text_of("Data");
    }
    Value data = Value::object();
    for (auto& [id, text] : received) data.set(id, Value::string(text));
    Made made{.physical_id = fmt::format("{}/{}", context.stack_id, context.name), .failure = {}};
    made.attributes.set("Data", Value::string(to_json(data)));
    co_return made;
  }
  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& /*before*/,
                                         Value /*after*/) const override {
    co_return refuse(
        "Update to resource type AWS::CloudFormation::WaitCondition is not "
        "supported.");
  }
  async::Task<api::Outcome<void>> remove(const StepContext& /*context*/,
                                         const Physical& /*physical*/) const override {
    co_return api::Outcome<void>();
  }

 private:
  const ResourceSchema schema_{.type = "AWS::CloudFormation::WaitCondition",
                               .properties = {{"Handle", OnChange::kUpdate, true},
                                              {"Timeout", OnChange::kUpdate, true},
                                              {"Count"}},
                               .unsupported = {},
                               .attributes = {"Data"},
                               .name = {}};
};

}  // namespace

void add_cloudformation(ResourceRegistry& registry) {
  registry.add(std::make_unique<NestedStack>());
  registry.add(std::make_unique<WaitConditionHandle>());
  registry.add(std::make_unique<WaitCondition>());
}

}  // namespace stacks::resources
