// AWS::Lambda::EventSourceMapping.

#include "api/lambda/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::lambda::op;

constexpr std::string_view kChangeable[] = {"FunctionName",
                                            "Enabled",
                                            "BatchSize",
                                            "FilterCriteria",
                                            "MaximumBatchingWindowInSeconds",
                                            "DestinationConfig",
                                            "MaximumRecordAgeInSeconds",
                                            "BisectBatchOnFunctionError",
                                            "MaximumRetryAttempts",
                                            "ParallelizationFactor",
                                            "TumblingWindowInSeconds",
                                            "FunctionResponseTypes"};

Value default_of(std::string_view name) {
  if (name == "Enabled") return Value::boolean(true);
  if (name == "BatchSize") return Value::number(100);
  if (name == "MaximumBatchingWindowInSeconds" || name == "TumblingWindowInSeconds")
    return Value::number(0);
  if (name == "MaximumRecordAgeInSeconds" || name == "MaximumRetryAttempts")
    return Value::number(-1);
  if (name == "BisectBatchOnFunctionError") return Value::boolean(false);
  if (name == "ParallelizationFactor") return Value::number(1);
  if (name == "FunctionResponseTypes") return Value::list();
  return Value::object();
}

class Mapping final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = properties;
    input.erase("Tags");
    if (Value tags = tag_map(properties, context.stack_tags); !tags.is_null())
      input.set("Tags", std::move(tags));
    auto created = co_await call_with<op::CreateEventSourceMapping>(context, std::move(input));
    std::string uuid;
    if (created) {
      uuid = created->uuid.value_or("");
    } else if (context.retried && is_conflict(created.error())) {
      // A source and a function can be joined only once: what is there is from the first try.
      op::ListEventSourceMappings::Input look;
      look.event_source_arn = properties.text_of("EventSourceArn");
      look.function_name = properties.text_of("FunctionName");
      auto found = co_await context.invoke<op::ListEventSourceMappings>(std::move(look));
      if (!found) co_return std::unexpected(found.error());
      if (found->event_source_mappings && !found->event_source_mappings->empty())
        uuid = found->event_source_mappings->front().uuid.value_or("");
    }
    if (uuid.empty()) co_return std::unexpected(created.error());
    auto made = co_await settle(context, uuid);
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    Value input = Value::object({"UUID"}, {Value::string(before.id)});
    for (const std::string_view name : kChangeable) {
      if (!changed(before.properties, after, name)) continue;
      const Value* value = after.find(name);
      input.set(std::string(name), value == nullptr ? default_of(name) : *value);
    }
    auto updated = co_await call_with<op::UpdateEventSourceMapping>(context, std::move(input));
    if (!updated) co_return std::unexpected(updated.error());
    auto made = co_await settle(context, before.id);
    co_return made;
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    Poll poll(context);
    while (true) {
      op::DeleteEventSourceMapping::Input input;
      input.uuid = physical.id;
      auto deleted = co_await context.invoke<op::DeleteEventSourceMapping>(std::move(input));
      if (!deleted && deleted.error().code != "ResourceInUseException") co_return gone(deleted);
      auto paused = co_await poll.pause();  // it is Deleting until its pollers have ended
      if (!paused) co_return paused;
    }
  }

 private:
  static async::Task<api::Outcome<Made>> settle(const StepContext& context, std::string uuid) {
    Poll poll(context);
    while (true) {
      op::GetEventSourceMapping::Input look;
      look.uuid = uuid;
      auto found = co_await context.invoke<op::GetEventSourceMapping>(std::move(look));
      if (!found) co_return std::unexpected(found.error());
      const std::string state = found->state.value_or("Enabled");
      if (state == "Enabled" || state == "Disabled") {
        Made made{.physical_id = uuid, .failure = {}};
        made.attributes.set("Id", Value::string(uuid));
        made.attributes.set("EventSourceMappingArn",
                            Value::string(found->event_source_mapping_arn.value_or("")));
        co_return made;
      }
      auto paused = co_await poll.pause();
      if (!paused) co_return std::unexpected(paused.error());
    }
  }

  static PropertyRule changeable(std::string_view name) {
    return {name, OnChange::kUpdate, name == "FunctionName",
            shape_of<op::CreateEventSourceMapping>(name)};
  }
  static PropertyRule fixed(std::string_view name) {
    return {name, OnChange::kReplace, false, shape_of<op::CreateEventSourceMapping>(name)};
  }

  const ResourceSchema schema_{
      .type = "AWS::Lambda::EventSourceMapping",
      .properties = {fixed("EventSourceArn"),
                     fixed("StartingPosition"),
                     fixed("StartingPositionTimestamp"),
                     changeable("FunctionName"),
                     changeable("Enabled"),
                     changeable("BatchSize"),
                     changeable("FilterCriteria"),
                     changeable("MaximumBatchingWindowInSeconds"),
                     changeable("DestinationConfig"),
                     changeable("MaximumRecordAgeInSeconds"),
                     changeable("BisectBatchOnFunctionError"),
                     changeable("MaximumRetryAttempts"),
                     changeable("ParallelizationFactor"),
                     changeable("TumblingWindowInSeconds"),
                     changeable("FunctionResponseTypes"),
                     changeable("MetricsConfig"),
                     {"Tags"}},
      .unsupported = {"AmazonManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig",
                      "KmsKeyArn", "LoggingConfig", "ProvisionedPollerConfig", "Queues",
                      "ScalingConfig", "SelfManagedEventSource",
                      "SelfManagedKafkaEventSourceConfig", "SourceAccessConfigurations", "Topics"},
      .attributes = {"Id", "EventSourceMappingArn"},
      .name = {}};
};

}  // namespace

void add_event_source_mapping(ResourceRegistry& registry) {
  registry.add(std::make_unique<Mapping>());
}

}  // namespace stacks::resources
