// AWS::Lambda::Function.

#include <algorithm>

#include "api/lambda/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"
#include "stacks/resources/inline_code.h"

namespace stacks::resources {

namespace {

namespace op = api::lambda::op;

constexpr std::string_view kConfiguration[] = {
    "Description",      "DeadLetterConfig",  "Environment",
    "EphemeralStorage", "FileSystemConfigs", "Handler",
    "ImageConfig",      "KmsKeyArn",         "Layers",
    "LoggingConfig",    "MemorySize",        "Role",
    "Runtime",          "SnapStart",         "Timeout",
    "TracingConfig",    "VpcConfig"};

// What a property is when the template no longer gives it; null: it cannot be taken back.
Value default_of(std::string_view name) {
  if (name == "Description") return Value::string("");
  if (name == "Timeout") return Value::number(3);
  if (name == "MemorySize") return Value::number(128);
  if (name == "Layers") return Value::list();
  if (name == "Environment") return Value::object({"Variables"}, {Value::object()});
  if (name == "DeadLetterConfig") return Value::object({"TargetArn"}, {Value::string("")});
  if (name == "TracingConfig") return Value::object({"Mode"}, {Value::string("PassThrough")});
  if (name == "EphemeralStorage") return Value::object({"Size"}, {Value::number(512)});
  return {};
}

// Code with inline text packed; the API's ZipFile is bytes.
Value code_of(const Value& properties) {
  Value code = properties.has("Code") ? *properties.find("Code") : Value::object();
  if (const Value* text = code.find("ZipFile"))
    code.set("ZipFile", Value::string(inline_package(properties.text_of("Runtime"), text->text())));
  return code;
}

class Function final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::GetFunctionConfiguration::Input look;
    look.function_name = context.name;
    auto free = co_await refuse_existing<op::GetFunctionConfiguration>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"Architectures", "PackageType"});
    for (const std::string_view name : kConfiguration)
      if (const Value* value = properties.find(name)) input.set(std::string(name), *value);
    input.set("FunctionName", Value::string(context.name));
    input.set("Code", code_of(properties));
    if (Value tags = tag_map(properties, context.stack_tags); !tags.is_null())
      input.set("Tags", std::move(tags));
    auto created = co_await call_with<op::CreateFunction>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    auto made = co_await settle(context, context.name);
    if (!made || made->failure) co_return made;
    auto set = co_await set_concurrency(context, context.name, Value::object(), properties);
    if (!set) made->failure = set.error();
    auto looped = co_await set_recursion(context, context.name, Value::object(), properties);
    if (!looped) made->failure = looped.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    const Value& was = before.properties;
    if (changed(was, after, "Code") || changed(was, after, "Architectures")) {
      Value input = code_of(after);
      input.erase("SourceKMSKeyArn");
      if (const Value* architectures = after.find("Architectures"))
        input.set("Architectures", *architectures);
      input.set("FunctionName", Value::string(before.id));
      auto updated = co_await call_with<op::UpdateFunctionCode>(context, std::move(input));
      if (!updated) co_return std::unexpected(updated.error());
      auto settled = co_await settle(context, before.id);
      if (!settled || settled->failure) co_return settled;
    }
    Value input = Value::object();
    for (const std::string_view name : kConfiguration) {
      if (!changed(was, after, name)) continue;
      const Value* value = after.find(name);
      const Value wanted = value == nullptr ? default_of(name) : *value;
      if (!wanted.is_null()) input.set(std::string(name), wanted);
    }
    if (!input.empty()) {
      input.set("FunctionName", Value::string(before.id));
      auto updated = co_await call_with<op::UpdateFunctionConfiguration>(context, std::move(input));
      if (!updated) co_return std::unexpected(updated.error());
    }
    auto made = co_await settle(context, before.id);
    if (!made || made->failure) co_return made;
    auto set = co_await set_concurrency(context, before.id, was, after);
    if (!set) co_return std::unexpected(set.error());
    auto looped = co_await set_recursion(context, before.id, was, after);
    if (!looped) co_return std::unexpected(looped.error());
    auto tagged = co_await set_tags(context, before, after);
    if (!tagged) co_return std::unexpected(tagged.error());
    co_return made;
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteFunction::Input input;
    input.function_name = physical.id;
    auto deleted = co_await context.invoke<op::DeleteFunction>(std::move(input));
    co_return gone(deleted);
  }

  bool replaces(const Value& before, const Value& after) const override {
    return before.text_of("PackageType", "Zip") != after.text_of("PackageType", "Zip");
  }

 private:
  static async::Task<api::Outcome<Made>> settle(const StepContext& context, std::string name) {
    Poll poll(context);
    while (true) {
      op::GetFunctionConfiguration::Input look;
      look.function_name = name;
      auto found = co_await context.invoke<op::GetFunctionConfiguration>(std::move(look));
      if (!found) co_return std::unexpected(found.error());
      Made made{.physical_id = name, .failure = {}};
      made.attributes.set("Arn", Value::string(found->function_arn.value_or("")));
      if (found->state == "Failed" || found->last_update_status == "Failed") {
        made.failure = refuse(found->state_reason.value_or(
                                  found->last_update_status_reason.value_or("The function failed")))
                           .error();
        co_return made;
      }
      if (found->state.value_or("Active") != "Pending" &&
          found->last_update_status.value_or("Successful") != "InProgress")
        co_return made;
      auto paused = co_await poll.pause();
      if (!paused) co_return std::unexpected(paused.error());
    }
  }

  static async::Task<api::Outcome<void>> set_concurrency(const StepContext& context,
                                                         std::string name, Value was, Value now) {
    if (!changed(was, now, "ReservedConcurrentExecutions")) co_return api::Outcome<void>();
    if (!now.has("ReservedConcurrentExecutions")) {
      op::DeleteFunctionConcurrency::Input input;
      input.function_name = name;
      auto deleted = co_await context.invoke<op::DeleteFunctionConcurrency>(std::move(input));
      co_return done(deleted);
    }
    Value input = pick(now, {"ReservedConcurrentExecutions"});
    input.set("FunctionName", Value::string(name));
    auto set = co_await call_with<op::PutFunctionConcurrency>(context, std::move(input));
    co_return done(set);
  }

  static async::Task<api::Outcome<void>> set_recursion(const StepContext& context, std::string name,
                                                       Value was, Value now) {
    if (!changed(was, now, "RecursiveLoop")) co_return api::Outcome<void>();
    Value input = Value::object();
    input.set("FunctionName", Value::string(name));
    input.set("RecursiveLoop", Value::string(now.text_of("RecursiveLoop", "Terminate")));
    auto set = co_await call_with<op::PutFunctionRecursionConfig>(context, std::move(input));
    co_return done(set);
  }

  static async::Task<api::Outcome<void>> set_tags(const StepContext& context,
                                                  const Physical& before, Value after) {
    if (!changed(before.properties, after, "Tags")) co_return api::Outcome<void>();
    const std::string arn = before.attributes.text_of("Arn");
    const Value tags = tag_map(after, context.stack_tags);
    const Value old_tags = tag_map(before.properties, {});
    op::UntagResource::Input untag;
    untag.resource = arn;
    untag.tag_keys.emplace();
    for (const std::string& key : old_tags.keys())
      if (!tags.has(key)) untag.tag_keys->push_back(key);
    if (!untag.tag_keys->empty()) {
      auto untagged = co_await context.invoke<op::UntagResource>(std::move(untag));
      if (!untagged) co_return done(untagged);
    }
    if (tags.is_null()) co_return api::Outcome<void>();
    Value input = Value::object({"Resource", "Tags"}, {Value::string(arn), tags});
    auto tagged = co_await call_with<op::TagResource>(context, std::move(input));
    co_return done(tagged);
  }

  static PropertyRule configured(std::string_view name) {
    return {name, OnChange::kUpdate, false, shape_of<op::CreateFunction>(name)};
  }

  const ResourceSchema schema_{
      .type = "AWS::Lambda::Function",
      .properties = {{"FunctionName", OnChange::kReplace},
                     {"Code", OnChange::kUpdate, true, shape_of<op::CreateFunction>("Code")},
                     {"Role", OnChange::kUpdate, true, shape_of<op::CreateFunction>("Role")},
                     {"PackageType", OnChange::kConditional},
                     {"ReservedConcurrentExecutions", OnChange::kUpdate, false,
                      shape_of<op::PutFunctionConcurrency>("ReservedConcurrentExecutions")},
                     {"RecursiveLoop"},
                     {"Tags"},
                     configured("Architectures"),
                     configured("Description"),
                     configured("DeadLetterConfig"),
                     configured("Environment"),
                     configured("EphemeralStorage"),
                     configured("FileSystemConfigs"),
                     configured("Handler"),
                     configured("ImageConfig"),
                     configured("Layers"),
                     configured("LoggingConfig"),
                     configured("MemorySize"),
                     configured("Runtime"),
                     configured("SnapStart"),
                     configured("Timeout"),
                     configured("TracingConfig"),
                     configured("VpcConfig")},
      .unsupported = {"CapacityProviderConfig", "CodeSigningConfigArn", "DurableConfig",
                      "KmsKeyArn", "FunctionScalingConfig", "PublishToLatestPublished",
                      "RuntimeManagementConfig", "TenancyConfig"},
      .attributes = {"Arn"},
      .name = {.property = "FunctionName", .max = 64}};
};

}  // namespace

void add_lambda_function(ResourceRegistry& registry) { registry.add(std::make_unique<Function>()); }

}  // namespace stacks::resources
