// AWS::DynamoDB::Table.

#include <algorithm>

#include "api/dynamodb/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::dynamodb::op;

class Table final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::DescribeTable::Input look;
    look.table_name = context.name;
    auto free = co_await refuse_existing<op::DescribeTable>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties,
                       {"AttributeDefinitions", "KeySchema", "BillingMode", "ProvisionedThroughput",
                        "OnDemandThroughput", "GlobalSecondaryIndexes", "LocalSecondaryIndexes",
                        "SSESpecification", "TableClass", "DeletionProtectionEnabled"});
    input.set("TableName", Value::string(context.name));
    if (properties.has("StreamSpecification"))
      input.set("StreamSpecification", stream_of(properties));
    if (Value tags = tag_list(properties, context.stack_tags); !tags.is_null())
      input.set("Tags", std::move(tags));
    auto created = co_await call_with<op::CreateTable>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    auto made = co_await settle(context, context.name);
    if (!made) co_return made;
    auto set = co_await apply(context, context.name, Value::object(), properties);
    if (!set) made->failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    const Value& was = before.properties;
    Value input = Value::object();
    for (const char* name : {"BillingMode", "ProvisionedThroughput", "OnDemandThroughput",
                             "SSESpecification", "TableClass", "DeletionProtectionEnabled"})
      if (changed(was, after, name) && after.has(name)) input.set(name, *after.find(name));
    if (changed(was, after, "StreamSpecification")) {
      input.set("StreamSpecification",
                after.has("StreamSpecification")
                    ? stream_of(after)
                    : Value::object({"StreamEnabled"}, {Value::boolean(false)}));
    }
    if (!input.empty()) {
      input.set("TableName", Value::string(before.id));
      auto updated = co_await call_with<op::UpdateTable>(context, std::move(input));
      if (!updated) co_return std::unexpected(updated.error());
    }
    auto indexed = co_await update_indexes(context, before, after);
    if (!indexed) co_return std::unexpected(indexed.error());
    auto made = co_await settle(context, before.id);
    if (!made) co_return made;
    auto set = co_await apply(context, before.id, was, after);
    if (!set) co_return std::unexpected(set.error());
    co_return made;
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    Poll poll(context);
    while (true) {
      op::DeleteTable::Input input;
      input.table_name = physical.id;
      auto deleted = co_await context.invoke<op::DeleteTable>(std::move(input));
      // In use: being made or deleted already.
      if (!deleted && !is_conflict(deleted.error())) co_return gone(deleted);
      op::DescribeTable::Input look;
      look.table_name = physical.id;
      auto found = co_await context.invoke<op::DescribeTable>(std::move(look));
      if (!found) co_return gone(found);
      auto paused = co_await poll.pause();
      if (!paused) co_return paused;
    }
  }

 private:
  static Value stream_of(const Value& properties) {
    Value stream = *properties.find("StreamSpecification");
    stream.set("StreamEnabled", Value::boolean(true));
    stream.erase("ResourcePolicy");
    return stream;
  }

  static async::Task<api::Outcome<Made>> settle(const StepContext& context, std::string name) {
    Poll poll(context);
    while (true) {
      op::DescribeTable::Input look;
      look.table_name = name;
      auto found = co_await context.invoke<op::DescribeTable>(std::move(look));
      if (!found) co_return std::unexpected(found.error());
      const auto& table = found->table;
      bool active = table && table->table_status == "ACTIVE";
      if (active && table->global_secondary_indexes)
        for (const auto& index : *table->global_secondary_indexes)
          active = active && index.index_status.value_or("ACTIVE") == "ACTIVE";
      if (active) {
        Made made{.physical_id = name, .failure = {}};
        made.attributes.set("Arn", Value::string(table->table_arn.value_or("")));
        if (table->latest_stream_arn)
          made.attributes.set("StreamArn", Value::string(*table->latest_stream_arn));
        co_return made;
      }
      auto paused = co_await poll.pause();
      if (!paused) co_return std::unexpected(paused.error());
    }
  }

  static const Value* index_named(const Value& properties, const std::string& name) {
    const Value* indexes = properties.find("GlobalSecondaryIndexes");
    if (indexes == nullptr) return nullptr;
    for (const Value& index : indexes->items())
      if (index.text_of("IndexName") == name) return &index;
    return nullptr;
  }

  // DynamoDB takes one index change a call.
  static async::Task<api::Outcome<void>> update_indexes(const StepContext& context,
                                                        const Physical& before, Value after) {
    const Value& was = before.properties;
    std::vector<Value> updates;
    if (const Value* indexes = was.find("GlobalSecondaryIndexes"))
      for (const Value& index : indexes->items())
        if (index_named(after, index.text_of("IndexName")) == nullptr)
          updates.push_back(Value::object({"Delete"}, {pick(index, {"IndexName"})}));
    if (const Value* indexes = after.find("GlobalSecondaryIndexes")) {
      for (const Value& index : indexes->items()) {
        const Value* old_index = index_named(was, index.text_of("IndexName"));
        if (old_index == nullptr) {
          updates.push_back(Value::object({"Create"}, {index}));
        } else if (changed(*old_index, index, "KeySchema") ||
                   changed(*old_index, index, "Projection")) {
          updates.push_back(Value::object({"Delete"}, {pick(index, {"IndexName"})}));
          updates.push_back(Value::object({"Create"}, {index}));
        } else if (changed(*old_index, index, "ProvisionedThroughput")) {
          updates.push_back(
              Value::object({"Update"}, {pick(index, {"IndexName", "ProvisionedThroughput"})}));
        }
      }
    }
    for (Value& update : updates) {
      auto settled = co_await settle(context, before.id);
      if (!settled) co_return std::unexpected(settled.error());
      Value input = pick(after, {"AttributeDefinitions"});
      input.set("TableName", Value::string(before.id));
      std::vector<Value> one;
      one.push_back(std::move(update));
      input.set("GlobalSecondaryIndexUpdates", Value::list(std::move(one)));
      auto updated = co_await call_with<op::UpdateTable>(context, std::move(input));
      if (!updated) co_return done(updated);
    }
    co_return api::Outcome<void>();
  }

  // What is set beside the table itself.
  static async::Task<api::Outcome<void>> apply(const StepContext& context, std::string name,
                                               Value was, Value now) {
    if (changed(was, now, "TimeToLiveSpecification")) {
      Value ttl = now.has("TimeToLiveSpecification") ? *now.find("TimeToLiveSpecification")
                                                     : *was.find("TimeToLiveSpecification");
      if (!now.has("TimeToLiveSpecification")) ttl.set("Enabled", Value::boolean(false));
      Value input = Value::object({"TableName", "TimeToLiveSpecification"},
                                  {Value::string(name), std::move(ttl)});
      auto set = co_await call_with<op::UpdateTimeToLive>(context, std::move(input));
      if (!set) co_return done(set);
    }
    if (changed(was, now, "PointInTimeRecoverySpecification")) {
      Value recovery = now.has("PointInTimeRecoverySpecification")
                           ? *now.find("PointInTimeRecoverySpecification")
                           : Value::object({"PointInTimeRecoveryEnabled"}, {Value::boolean(false)});
      Value input = Value::object({"TableName", "PointInTimeRecoverySpecification"},
                                  {Value::string(name), std::move(recovery)});
      auto set = co_await call_with<op::UpdateContinuousBackups>(context, std::move(input));
      if (!set) co_return done(set);
    }
    if (changed(was, now, "Tags") && !was.empty() && now.has("Tags")) {
      op::DescribeTable::Input look;
      look.table_name = name;
      auto found = co_await context.invoke<op::DescribeTable>(std::move(look));
      if (!found || !found->table) co_return done(found);
      Value input =
          Value::object({"ResourceArn", "Tags"},
                        {Value::string(found->table->table_arn.value_or("")), tag_list(now, {})});
      auto tagged = co_await call_with<op::TagResource>(context, std::move(input));
      if (!tagged) co_return done(tagged);
    }
    co_return api::Outcome<void>();
  }

  const ResourceSchema schema_{
      .type = "AWS::DynamoDB::Table",
      .properties = {{"TableName", OnChange::kReplace},
                     {"AttributeDefinitions", OnChange::kUpdate, false,
                      shape_of<op::CreateTable>("AttributeDefinitions")},
                     {"KeySchema", OnChange::kReplace, true,
                      shape_of<op::CreateTable>("KeySchema")},
                     {"BillingMode", OnChange::kUpdate, false,
                      shape_of<op::CreateTable>("BillingMode")},
                     {"ProvisionedThroughput", OnChange::kUpdate, false,
                      shape_of<op::CreateTable>("ProvisionedThroughput")},
                     {"OnDemandThroughput", OnChange::kUpdate, false,
                      shape_of<op::CreateTable>("OnDemandThroughput")},
                     {"GlobalSecondaryIndexes", OnChange::kUpdate, false,
                      shape_of<op::CreateTable>("GlobalSecondaryIndexes")},
                     {"LocalSecondaryIndexes", OnChange::kReplace, false,
                      shape_of<op::CreateTable>("LocalSecondaryIndexes")},
                     {"StreamSpecification"},
                     {"SSESpecification"},
                     {"TimeToLiveSpecification", OnChange::kUpdate, false,
                      shape_of<op::UpdateTimeToLive>("TimeToLiveSpecification")},
                     {"PointInTimeRecoverySpecification", OnChange::kUpdate, false,
                      shape_of<op::UpdateContinuousBackups>("PointInTimeRecoverySpecification")},
                     {"TableClass"},
                     {"DeletionProtectionEnabled"},
                     {"Tags"}},
      .unsupported = {"ContributorInsightsSpecification", "ImportSourceSpecification",
                      "KinesisStreamSpecification", "ResourcePolicy", "WarmThroughput"},
      .attributes = {"Arn", "StreamArn"},
      .name = {.property = "TableName", .max = 255}};
};

}  // namespace

void add_dynamodb(ResourceRegistry& registry) { registry.add(std::make_unique<Table>()); }

}  // namespace stacks::resources
