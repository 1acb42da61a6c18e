// AWS::Logs::LogGroup and AWS::Logs::LogStream.

#include <fmt/format.h>

#include "api/logs/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::logs::op;

class LogGroup final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::DescribeLogGroups::Input look;
    look.log_group_name_prefix = context.name;
    if (!context.name_is_given) co_return Value();
    auto found = co_await context.invoke<op::DescribeLogGroups>(std::move(look));
    if (found && found->log_groups)
      for (const auto& group : *found->log_groups)
        if (group.log_group_name == context.name)
          co_return std::unexpected(already_exists(context));
    co_return Value();
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"LogGroupClass"});
    input.set("LogGroupName", Value::string(context.name));
    if (Value tags = tag_map(properties, context.stack_tags); !tags.is_null())
      input.set("Tags", std::move(tags));
    auto created = co_await call_with<op::CreateLogGroup>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    Made made{.physical_id = context.name, .failure = {}};
    made.attributes.set(
        "Arn", Value::string(fmt::format("arn:aws:logs:{}:{}:log-group:{}:*", context.call.region,
                                         context.call.account_id, context.name)));
    auto set = co_await set_retention(context, context.name, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto set = co_await set_retention(context, before.id, before.properties, after);
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteLogGroup::Input input;
    input.log_group_name = physical.id;
    auto deleted = co_await context.invoke<op::DeleteLogGroup>(std::move(input));
    co_return gone(deleted);
  }

 private:
  static async::Task<api::Outcome<void>> set_retention(const StepContext& context, std::string name,
                                                       Value was, Value now) {
    if (!changed(was, now, "RetentionInDays")) co_return api::Outcome<void>();
    if (!now.has("RetentionInDays")) {
      op::DeleteRetentionPolicy::Input input;
      input.log_group_name = name;
      auto deleted = co_await context.invoke<op::DeleteRetentionPolicy>(std::move(input));
      co_return done(deleted);
    }
    Value input = pick(now, {"RetentionInDays"});
    input.set("LogGroupName", Value::string(name));
    auto set = co_await call_with<op::PutRetentionPolicy>(context, std::move(input));
    co_return done(set);
  }

  const ResourceSchema schema_{
      .type = "AWS::Logs::LogGroup",
      .properties = {{"LogGroupName", OnChange::kReplace},
                     {"RetentionInDays", OnChange::kUpdate, false,
                      shape_of<op::PutRetentionPolicy>("RetentionInDays")},
                     {"LogGroupClass", OnChange::kReplace},
                     {"Tags", OnChange::kReplace}},
      .unsupported = {"DataProtectionPolicy", "FieldIndexPolicies", "KmsKeyId",
                      "DeletionProtectionEnabled", "ResourcePolicyDocument"},
      .attributes = {"Arn"},
      .name = {.property = "LogGroupName", .max = 512}};
};

class LogStream final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    op::CreateLogStream::Input input;
    input.log_group_name = properties.text_of("LogGroupName");
    input.log_stream_name = context.name;
    auto created = co_await context.invoke<op::CreateLogStream>(std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    co_return Made{.physical_id = context.name, .failure = {}};
  }

  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& before,
                                         Value /*after*/) const override {
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteLogStream::Input input;
    input.log_group_name = physical.properties.text_of("LogGroupName");
    input.log_stream_name = physical.id;
    auto deleted = co_await context.invoke<op::DeleteLogStream>(std::move(input));
    co_return gone(deleted);
  }

 private:
  const ResourceSchema schema_{.type = "AWS::Logs::LogStream",
                               .properties = {{"LogGroupName", OnChange::kReplace, true},
                                              {"LogStreamName", OnChange::kReplace}},
                               .unsupported = {},
                               .attributes = {},
                               .name = {.property = "LogStreamName", .max = 512}};
};

}  // namespace

void add_logs(ResourceRegistry& registry) {
  registry.add(std::make_unique<LogGroup>());
  registry.add(std::make_unique<LogStream>());
}

}  // namespace stacks::resources
