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
                        "TableClass", "DeletionProtectionEnabled", "WarmThroughput"});
    input.set("TableName", Value::string(context.name));
    if (properties.has("SSESpecification"))
      input.set("SSESpecification", encryption_of(properties));
    if (std::string policy = policy_of(properties.find("ResourcePolicy")); !policy.empty())
      input.set("ResourcePolicy", Value::string(std::move(policy)));
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
    auto updated = co_await update_settings(context, before, after);
    if (!updated) co_return std::unexpected(updated.error());
    if (changed(was, after, "StreamSpecification")) {
      auto streamed = co_await set_stream(context, before.id, after);
      if (!streamed) co_return std::unexpected(streamed.error());
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
  // CloudFormation names the switch otherwise, and takes KMS for granted.
  static Value encryption_of(const Value& properties) {
    const Value& given = *properties.find("SSESpecification");
    Value made = pick_as(
        given,
        {{"SSEEnabled", "Enabled"}, {"SSEType", "SSEType"}, {"KMSMasterKeyId", "KMSMasterKeyId"}});
    if (given.has("KMSMasterKeyId") && !given.has("SSEType"))
      made.set("SSEType", Value::string("KMS"));
    return made;
  }

  // A ResourcePolicy's document as text; empty: there is none.
  static std::string policy_of(const Value* given) {
    const Value* const document = given == nullptr ? nullptr : given->find("PolicyDocument");
    if (document == nullptr) return {};
    return document->is_object() ? to_json(*document) : document->text();
  }

  static std::string stream_policy_of(const Value& properties) {
    const Value* const stream = properties.find("StreamSpecification");
    return stream == nullptr ? std::string() : policy_of(stream->find("ResourcePolicy"));
  }

  static bool is_on_demand(const Value& properties) {
    return properties.text_of("BillingMode") == "PAY_PER_REQUEST";
  }

  // A table that becomes a provisioned one says in the same call what each of its indexes gets;
  // those that are about to go get what the table gets.
  static void switch_billing(Value& input, const Value& was, const Value& after) {
    input.set("BillingMode",
              Value::string(is_on_demand(after) ? "PAY_PER_REQUEST" : "PROVISIONED"));
    const Value* const indexes = was.find("GlobalSecondaryIndexes");
    const Value* const units = after.find("ProvisionedThroughput");
    if (is_on_demand(after) || units == nullptr) return;
    input.set("ProvisionedThroughput", *units);
    if (indexes == nullptr || indexes->items().empty()) return;
    std::vector<Value> updates;
    for (const Value& index : indexes->items()) {
      const Value* const wanted = index_named(after, index.text_of("IndexName"));
      const Value* const own = wanted == nullptr ? nullptr : wanted->find("ProvisionedThroughput");
      Value update = pick(index, {"IndexName"});
      update.set("ProvisionedThroughput", own == nullptr ? *units : *own);
      updates.push_back(Value::object({"Update"}, {std::move(update)}));
    }
    input.set("GlobalSecondaryIndexUpdates", Value::list(std::move(updates)));
  }

  // What of an index changes without another index in its place; empty: nothing. A change of the
  // table's billing has set its throughput already.
  static Value index_changes(const Value& was, const Value& after, bool billing_switched) {
    Value made = Value::object();
    for (const char* const name :
         {"ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput"}) {
      if (billing_switched && name == std::string_view("ProvisionedThroughput")) continue;
      if (changed(was, after, name) && after.has(name)) made.set(name, *after.find(name));
    }
    return made;
  }

  // DynamoDB takes most settings one at a time.
  static async::Task<api::Outcome<void>> update_settings(const StepContext& context,
                                                         const Physical& before, Value after) {
    using Group = std::vector<const char*>;
    for (const Group& group : {Group{"BillingMode", "ProvisionedThroughput", "OnDemandThroughput"},
                               Group{"SSESpecification"}, Group{"TableClass"},
                               Group{"DeletionProtectionEnabled"}, Group{"WarmThroughput"}}) {
      Value input = Value::object();
      for (const char* const name : group)
        if (changed(before.properties, after, name) && after.has(name))
          input.set(name, *after.find(name));
      const bool of_billing = group.front() == std::string_view("BillingMode");
      if (of_billing && is_on_demand(before.properties) != is_on_demand(after))
        switch_billing(input, before.properties, after);
      if (input.empty()) continue;
      if (input.has("SSESpecification")) input.set("SSESpecification", encryption_of(after));
      input.set("TableName", Value::string(before.id));
      auto updated = co_await call_with<op::UpdateTable>(context, std::move(input));
      if (!updated) co_return done(updated);
    }
    co_return api::Outcome<void>();
  }

  static async::Task<api::Outcome<void>> set_policy(const StepContext& context, std::string arn,
                                                    std::string policy) {
    if (policy.empty()) {
      op::DeleteResourcePolicy::Input input;
      input.resource_arn = std::move(arn);
      auto deleted = co_await context.invoke<op::DeleteResourcePolicy>(std::move(input));
      co_return gone(deleted);
    }
    op::PutResourcePolicy::Input input;
    input.resource_arn = std::move(arn);
    input.policy = std::move(policy);
    auto put = co_await context.invoke<op::PutResourcePolicy>(std::move(input));
    co_return done(put);
  }

  // The table's is set with the table when that is made.
  static async::Task<api::Outcome<void>> set_policies(const StepContext& context, std::string name,
                                                      Value was, Value now) {
    const bool of_table = !was.empty() && changed(was, now, "ResourcePolicy");
    // A stream of another view is another stream, which has no policy yet.
    const std::string of_stream = stream_policy_of(now);
    const bool stream_changed = changed(was, now, "StreamSpecification") &&
                                (!of_stream.empty() || !stream_policy_of(was).empty());
    if (!of_table && !stream_changed) co_return api::Outcome<void>();
    op::DescribeTable::Input look;
    look.table_name = name;
    auto found = co_await context.invoke<op::DescribeTable>(std::move(look));
    if (!found || !found->table) co_return done(found);
    if (of_table) {
      auto set = co_await set_policy(context, found->table->table_arn.value_or(""),
                                     policy_of(now.find("ResourcePolicy")));
      if (!set) co_return set;
    }
    if (!stream_changed || !found->table->latest_stream_arn) co_return api::Outcome<void>();
    auto set = co_await set_policy(context, *found->table->latest_stream_arn, of_stream);
    co_return set;
  }

  static async::Task<api::Outcome<void>> set_insights(const StepContext& context, std::string name,
                                                      Value now) {
    const Value* const given = now.find("ContributorInsightsSpecification");
    op::UpdateContributorInsights::Input input;
    input.table_name = name;
    input.contributor_insights_action =
        given != nullptr && given->text_of("Enabled") == "true" ? "ENABLE" : "DISABLE";
    if (given != nullptr && given->has("Mode"))
      input.contributor_insights_mode = given->text_of("Mode");
    auto set = co_await context.invoke<op::UpdateContributorInsights>(std::move(input));
    co_return done(set);
  }

  static Value stream_of(const Value& properties) {
    Value stream = *properties.find("StreamSpecification");
    stream.set("StreamEnabled", Value::boolean(true));
    stream.erase("ResourcePolicy");
    return stream;
  }

  // A stream's view does not change: another view is another stream. Where the table stands already
  // as it should, a call that was repeated has nothing to do.
  static async::Task<api::Outcome<void>> set_stream(const StepContext& context, std::string name,
                                                    Value after) {
    const auto view_of = [](const Value* stream) {
      return stream == nullptr ? std::string() : stream->text_of("StreamViewType");
    };
    const std::string wanted = view_of(after.find("StreamSpecification"));
    op::DescribeTable::Input look;
    look.table_name = name;
    auto found = co_await context.invoke<op::DescribeTable>(std::move(look));
    if (!found || !found->table) co_return done(found);
    const auto& there = found->table->stream_specification;
    const std::string before = there ? there->stream_view_type.value_or("") : "";
    if (before == wanted) co_return api::Outcome<void>();
    for (const std::string* const view : {&before, &wanted}) {
      if (view->empty()) continue;
      op::UpdateTable::Input input;
      input.table_name = name;
      auto& stream = input.stream_specification.emplace();
      stream.stream_enabled = view == &wanted;
      if (view == &wanted) stream.stream_view_type = wanted;
      auto updated = co_await context.invoke<op::UpdateTable>(std::move(input));
      if (!updated) co_return done(updated);
      auto settled = co_await settle(context, name);
      if (!settled) co_return std::unexpected(settled.error());
    }
    co_return api::Outcome<void>();
  }

  static async::Task<api::Outcome<void>> set_destination(const StepContext& context,
                                                         std::string name, Value now) {
    const Value* const wanted = now.find("KinesisStreamSpecification");
    const std::string arn = wanted == nullptr ? std::string() : wanted->text_of("StreamArn");
    op::DescribeKinesisStreamingDestination::Input look;
    look.table_name = name;
    auto found = co_await context.invoke<op::DescribeKinesisStreamingDestination>(std::move(look));
    if (!found) co_return done(found);
    bool enabled = false;
    for (const auto& one : *found->kinesis_data_stream_destinations) {
      if (one.destination_status != "ACTIVE") continue;
      enabled = one.stream_arn == arn;
      if (enabled) continue;
      op::DisableKinesisStreamingDestination::Input input;
      input.table_name = name;
      input.stream_arn = one.stream_arn;
      auto disabled =
          co_await context.invoke<op::DisableKinesisStreamingDestination>(std::move(input));
      if (!disabled) co_return done(disabled);
    }
    if (enabled || arn.empty()) co_return api::Outcome<void>();
    op::EnableKinesisStreamingDestination::Input input;
    input.table_name = name;
    input.stream_arn = arn;
    const std::string precision = wanted->text_of("ApproximateCreationDateTimePrecision");
    if (!precision.empty())
      input.enable_kinesis_streaming_configuration.emplace()
          .approximate_creation_date_time_precision = precision;
    auto made = co_await context.invoke<op::EnableKinesisStreamingDestination>(std::move(input));
    co_return done(made);
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
        if (table->stream_specification && table->latest_stream_arn)
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
    const bool billing_switched = is_on_demand(was) != is_on_demand(after);
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
        } else if (Value update = index_changes(*old_index, index, billing_switched);
                   !update.empty()) {
          update.set("IndexName", Value::string(index.text_of("IndexName")));
          updates.push_back(Value::object({"Update"}, {std::move(update)}));
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
    auto policies = co_await set_policies(context, name, was, now);
    if (!policies) co_return policies;
    if (changed(was, now, "ContributorInsightsSpecification")) {
      auto set = co_await set_insights(context, name, now);
      if (!set) co_return set;
    }
    if (changed(was, now, "KinesisStreamSpecification")) {
      auto set = co_await set_destination(context, name, now);
      if (!set) co_return set;
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
                     {"KinesisStreamSpecification"},
                     {"SSESpecification"},
                     {"WarmThroughput", OnChange::kUpdate, false,
                      shape_of<op::CreateTable>("WarmThroughput")},
                     {"ResourcePolicy"},
                     {"ContributorInsightsSpecification"},
                     {"TimeToLiveSpecification", OnChange::kUpdate, false,
                      shape_of<op::UpdateTimeToLive>("TimeToLiveSpecification")},
                     {"PointInTimeRecoverySpecification", OnChange::kUpdate, false,
                      shape_of<op::UpdateContinuousBackups>("PointInTimeRecoverySpecification")},
                     {"TableClass"},
                     {"DeletionProtectionEnabled"},
                     {"Tags"}},
      .unsupported = {"ImportSourceSpecification"},
      .attributes = {"Arn", "StreamArn"},
      .name = {.property = "TableName", .max = 255}};
};

}  // namespace

void add_dynamodb(ResourceRegistry& registry) { registry.add(std::make_unique<Table>()); }

}  // namespace stacks::resources
