// AWS::Kinesis::Stream and AWS::Kinesis::StreamConsumer.

#include "api/kinesis/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::kinesis::op;
namespace kinesis = api::kinesis;

class Stream final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::DescribeStreamSummary::Input look;
    look.stream_name = context.name;
    auto free = co_await refuse_existing<op::DescribeStreamSummary>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"ShardCount", "StreamModeDetails"});
    input.set("StreamName", Value::string(context.name));
    if (Value tags = tag_map(properties, context.stack_tags); !tags.is_null())
      input.set("Tags", std::move(tags));
    auto created = co_await call_with<op::CreateStream>(context, std::move(input));
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
    if (changed(was, after, "StreamModeDetails")) {
      Value input = pick(after, {"StreamModeDetails"});
      input.set("StreamARN", Value::string(before.attributes.text_of("Arn")));
      auto set = co_await call_with<op::UpdateStreamMode>(context, std::move(input));
      if (!set) co_return std::unexpected(set.error());
      auto settled = co_await settle(context, before.id);
      if (!settled) co_return settled;
    }
    const bool on_demand = after.has("StreamModeDetails") &&
                           after.find("StreamModeDetails")->text_of("StreamMode") == "ON_DEMAND";
    if (changed(was, after, "ShardCount") && after.has("ShardCount") && !on_demand) {
      Value input = pick_as(after, {{"ShardCount", "TargetShardCount"}});
      input.set("StreamName", Value::string(before.id));
      input.set("ScalingType", Value::string("UNIFORM_SCALING"));
      auto set = co_await call_with<op::UpdateShardCount>(context, std::move(input));
      if (!set) co_return std::unexpected(set.error());
    }
    auto set = co_await apply(context, before.id, was, after);
    if (!set) co_return std::unexpected(set.error());
    auto made = co_await settle(context, before.id);
    co_return made;
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteStream::Input input;
    input.stream_name = physical.id;
    input.enforce_consumer_deletion = true;
    auto deleted = co_await context.invoke<op::DeleteStream>(std::move(input));
    if (!deleted) co_return gone(deleted);
    Poll poll(context);
    while (true) {
      auto look = co_await describe(context, physical.id);
      if (!look) co_return gone(look);
      auto paused = co_await poll.pause();
      if (!paused) co_return paused;
    }
  }

 private:
  static async::Task<api::Outcome<op::DescribeStreamSummary::Output>> describe(
      const StepContext& context, std::string name) {
    op::DescribeStreamSummary::Input look;
    look.stream_name = std::move(name);
    return context.invoke<op::DescribeStreamSummary>(std::move(look));
  }

  static async::Task<api::Outcome<Made>> settle(const StepContext& context, std::string name) {
    Poll poll(context);
    while (true) {
      auto look = co_await describe(context, name);
      if (!look) co_return std::unexpected(look.error());
      const auto& stream = look->stream_description_summary;
      if (stream && stream->stream_status == "ACTIVE") {
        Made made{.physical_id = name, .failure = {}};
        made.attributes.set("Arn", Value::string(stream->stream_arn.value_or("")));
        co_return made;
      }
      auto paused = co_await poll.pause();
      if (!paused) co_return std::unexpected(paused.error());
    }
  }

  static async::Task<api::Outcome<void>> apply(const StepContext& context, std::string name,
                                               Value was, Value now) {
    const auto hours = [](const Value& properties) {
      return std::stoi("0" + properties.text_of("RetentionPeriodHours", "24"));
    };
    if (hours(now) > hours(was)) {
      Value input = pick(now, {"RetentionPeriodHours"});
      input.set("StreamName", Value::string(name));
      auto set = co_await call_with<op::IncreaseStreamRetentionPeriod>(context, std::move(input));
      if (!set) co_return done(set);
    } else if (hours(now) < hours(was)) {
      Value input = Value::object();
      input.set("RetentionPeriodHours", Value::number(hours(now)));
      input.set("StreamName", Value::string(name));
      auto set = co_await call_with<op::DecreaseStreamRetentionPeriod>(context, std::move(input));
      if (!set) co_return done(set);
    }
    if (changed(was, now, "StreamEncryption") && now.has("StreamEncryption")) {
      Value input = *now.find("StreamEncryption");
      input.set("StreamName", Value::string(name));
      auto set = co_await call_with<op::StartStreamEncryption>(context, std::move(input));
      if (!set) co_return done(set);
    }
    if (changed(was, now, "Tags") && !was.empty()) {
      op::RemoveTagsFromStream::Input untag;
      untag.stream_name = name;
      const Value new_tags = tag_map(now, {});
      const Value old_tags = tag_map(was, {});
      for (const std::string& key : old_tags.keys())
        if (!new_tags.has(key)) {
          if (!untag.tag_keys) untag.tag_keys.emplace();
          untag.tag_keys->push_back(key);
        }
      if (untag.tag_keys) {
        auto untagged = co_await context.invoke<op::RemoveTagsFromStream>(std::move(untag));
        if (!untagged) co_return done(untagged);
      }
      if (!new_tags.is_null()) {
        Value input = Value::object({"StreamName", "Tags"}, {Value::string(name), new_tags});
        auto tagged = co_await call_with<op::AddTagsToStream>(context, std::move(input));
        if (!tagged) co_return done(tagged);
      }
    }
    co_return api::Outcome<void>();
  }

  const ResourceSchema schema_{
      .type = "AWS::Kinesis::Stream",
      .properties = {{"Name", OnChange::kReplace},
                     {"ShardCount", OnChange::kUpdate, false,
                      shape_of<op::CreateStream>("ShardCount")},
                     {"RetentionPeriodHours", OnChange::kUpdate, false,
                      shape_of<op::IncreaseStreamRetentionPeriod>("RetentionPeriodHours")},
                     {"StreamModeDetails", OnChange::kUpdate, false,
                      shape_of<op::CreateStream>("StreamModeDetails")},
                     {"StreamEncryption"},
                     {"Tags"}},
      .unsupported = {"DesiredShardLevelMetrics", "MaxRecordSizeInKiB", "WarmThroughputMiBps"},
      .attributes = {"Arn"},
      .name = {.property = "Name", .max = 128}};
};

class Consumer final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"StreamARN"});
    input.set("ConsumerName", Value::string(context.name));
    auto created = co_await call_with<op::RegisterStreamConsumer>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    Poll poll(context);
    while (true) {
      op::DescribeStreamConsumer::Input look;
      look.stream_arn = properties.text_of("StreamARN");
      look.consumer_name = context.name;
      auto found = co_await context.invoke<op::DescribeStreamConsumer>(std::move(look));
      if (!found) co_return std::unexpected(found.error());
      const auto& consumer = found->consumer_description;
      if (consumer && consumer->consumer_status == "ACTIVE") {
        Made made{.physical_id = consumer->consumer_arn.value_or(""), .failure = {}};
        made.attributes.set("ConsumerARN", Value::string(made.physical_id));
        made.attributes.set("ConsumerName", Value::string(context.name));
        made.attributes.set("ConsumerStatus", Value::string("ACTIVE"));
        made.attributes.set("StreamARN", Value::string(consumer->stream_arn.value_or("")));
        co_return made;
      }
      auto paused = co_await poll.pause();
      if (!paused) co_return std::unexpected(paused.error());
    }
  }

  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& before,
                                         Value /*after*/) const override {
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeregisterStreamConsumer::Input input;
    input.consumer_arn = physical.id;
    auto deleted = co_await context.invoke<op::DeregisterStreamConsumer>(std::move(input));
    co_return gone(deleted);
  }

 private:
  const ResourceSchema schema_{
      .type = "AWS::Kinesis::StreamConsumer",
      .properties = {{"ConsumerName", OnChange::kReplace, true},
                     {"StreamARN", OnChange::kReplace, true}},
      .unsupported = {"Tags"},
      .attributes = {"ConsumerARN", "ConsumerName", "ConsumerStatus", "StreamARN"},
      .name = {.property = "ConsumerName", .max = 128}};
};

}  // namespace

void add_kinesis(ResourceRegistry& registry) {
  registry.add(std::make_unique<Stream>());
  registry.add(std::make_unique<Consumer>());
}

}  // namespace stacks::resources
