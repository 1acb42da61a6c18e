// AWS::Lambda::LayerVersion, LayerVersionPermission, EventInvokeConfig and Url.

#include "api/lambda/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::lambda::op;

// "arn:...:layer:NAME:7" in two.
struct VersionArn {
  std::string layer;
  std::int64_t number = 0;
};
VersionArn split_version(const std::string& arn) {
  const std::size_t colon = arn.rfind(':');
  if (colon == std::string::npos) return {};
  return {arn.substr(0, colon), std::strtoll(arn.c_str() + colon + 1, nullptr, 10)};
}

// Every change publishes another version, of a layer that has the resource's own name if it is
// given none; its number is never given again.
class LayerVersion final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  // The newest version before ours, so that ours is recognised.
  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& properties) const override {
    auto newest = co_await newest_of(context, name_of(context, properties));
    if (!newest) co_return std::unexpected(newest.error());
    co_return Value::string(*std::move(newest));
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    const std::string name = name_of(context, properties);
    if (context.retried) {
      auto newest = co_await newest_of(context, name);
      if (!newest) co_return std::unexpected(newest.error());
      if (!newest->empty() && *newest != context.prepared.text()) co_return made(*newest);
    }
    Value input = properties;
    input.set("LayerName", Value::string(name));
    auto published = co_await call_with<op::PublishLayerVersion>(context, std::move(input));
    if (!published) co_return std::unexpected(published.error());
    co_return made(published->layer_version_arn.value_or(""));
  }

  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& before,
                                         Value /*after*/) const override {
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    const VersionArn version = split_version(physical.id);
    op::DeleteLayerVersion::Input input;
    input.layer_name = version.layer;
    input.version_number = version.number;
    auto deleted = co_await context.invoke<op::DeleteLayerVersion>(std::move(input));
    co_return gone(deleted);
  }

 private:
  static Made made(const std::string& arn) {
    Made out{.physical_id = arn, .failure = {}};
    out.attributes.set("LayerVersionArn", Value::string(arn));
    return out;
  }
  static std::string name_of(const StepContext& context, const Value& properties) {
    return properties.has("LayerName") ? properties.text_of("LayerName") : context.logical_id;
  }
  // Its ARN; empty: there is none.
  static async::Task<api::Outcome<std::string>> newest_of(const StepContext& context,
                                                          std::string name) {
    op::ListLayerVersions::Input look;
    look.layer_name = std::move(name);
    look.max_items = 1;
    auto listed = co_await context.invoke<op::ListLayerVersions>(std::move(look));
    if (!listed) co_return std::unexpected(listed.error());
    if (!listed->layer_versions || listed->layer_versions->empty()) co_return std::string();
    co_return listed->layer_versions->front().layer_version_arn.value_or("");
  }

  const ResourceSchema schema_{.type = "AWS::Lambda::LayerVersion",
                               .properties = {{"Content", OnChange::kReplace, true},
                                              {"LayerName", OnChange::kReplace},
                                              {"Description", OnChange::kReplace},
                                              {"CompatibleRuntimes", OnChange::kReplace},
                                              {"CompatibleArchitectures", OnChange::kReplace},
                                              {"LicenseInfo", OnChange::kReplace}},
                               .unsupported = {},
                               .attributes = {"LayerVersionArn"},
                               .name = {}};
};

class LayerVersionPermission final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    const std::string arn = properties.text_of("LayerVersionArn");
    const VersionArn version = split_version(arn);
    Value input = pick(properties, {"Action", "OrganizationId", "Principal"});
    input.set("LayerName", Value::string(version.layer));
    input.set("VersionNumber", Value::number(version.number));
    input.set("StatementId", Value::string(context.name));
    auto added = co_await call_with<op::AddLayerVersionPermission>(context, std::move(input));
    if (!added && !(context.retried && is_conflict(added.error())))
      co_return std::unexpected(added.error());
    Made made{.physical_id = arn + '#' + context.name, .failure = {}};
    made.attributes.set("Id", Value::string(made.physical_id));
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& before,
                                         Value /*after*/) const override {
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    const std::size_t mark = physical.id.rfind('#');
    if (mark == std::string::npos) co_return api::Outcome<void>();
    const VersionArn version = split_version(physical.id.substr(0, mark));
    op::RemoveLayerVersionPermission::Input input;
    input.layer_name = version.layer;
    input.version_number = version.number;
    input.statement_id = physical.id.substr(mark + 1);
    auto removed = co_await context.invoke<op::RemoveLayerVersionPermission>(std::move(input));
    co_return gone(removed);
  }

 private:
  const ResourceSchema schema_{.type = "AWS::Lambda::LayerVersionPermission",
                               .properties = {{"Action", OnChange::kReplace, true},
                                              {"LayerVersionArn", OnChange::kReplace, true},
                                              {"OrganizationId", OnChange::kReplace},
                                              {"Principal", OnChange::kReplace, true}},
                               .unsupported = {},
                               .attributes = {"Id"},
                               .name = {.property = "", .max = 100}};
};

class EventInvokeConfig final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    auto put = co_await call_with<op::PutFunctionEventInvokeConfig>(context, properties);
    if (!put) co_return std::unexpected(put.error());
    co_return Made{
        .physical_id = properties.text_of("FunctionName") + '|' + properties.text_of("Qualifier"),
        .failure = {}};
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto put = co_await call_with<op::PutFunctionEventInvokeConfig>(context, std::move(after));
    if (!put) co_return std::unexpected(put.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteFunctionEventInvokeConfig::Input input;
    input.function_name = physical.properties.text_of("FunctionName");
    input.qualifier = physical.properties.text_of("Qualifier");
    auto deleted = co_await context.invoke<op::DeleteFunctionEventInvokeConfig>(std::move(input));
    co_return gone(deleted);
  }

 private:
  const ResourceSchema schema_{.type = "AWS::Lambda::EventInvokeConfig",
                               .properties = {{"FunctionName", OnChange::kReplace, true},
                                              {"Qualifier", OnChange::kReplace, true},
                                              {"MaximumRetryAttempts"},
                                              {"MaximumEventAgeInSeconds"},
                                              {"DestinationConfig"}},
                               .unsupported = {},
                               .attributes = {},
                               .name = {}};
};

class Url final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    auto created = co_await call_with<op::CreateFunctionUrlConfig>(context, input_for(properties));
    if (created) co_return made(*created);
    if (!context.retried || !is_conflict(created.error()))
      co_return std::unexpected(created.error());
    op::GetFunctionUrlConfig::Input look;
    look.function_name = properties.text_of("TargetFunctionArn");
    if (properties.has("Qualifier")) look.qualifier = properties.text_of("Qualifier");
    auto found = co_await context.invoke<op::GetFunctionUrlConfig>(std::move(look));
    if (!found) co_return std::unexpected(found.error());
    co_return made(*found);
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    Value input = input_for(after);
    if (!after.has("Cors")) input.set("Cors", Value::object());
    if (!after.has("InvokeMode")) input.set("InvokeMode", Value::string("BUFFERED"));
    auto updated = co_await call_with<op::UpdateFunctionUrlConfig>(context, std::move(input));
    if (!updated) co_return std::unexpected(updated.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteFunctionUrlConfig::Input input;
    input.function_name = physical.properties.text_of("TargetFunctionArn");
    if (physical.properties.has("Qualifier"))
      input.qualifier = physical.properties.text_of("Qualifier");
    auto deleted = co_await context.invoke<op::DeleteFunctionUrlConfig>(std::move(input));
    co_return gone(deleted);
  }

 private:
  template <class Output>
  static Made made(const Output& url) {
    Made out{.physical_id = url.function_arn.value_or(""), .failure = {}};
    out.attributes.set("FunctionArn", Value::string(out.physical_id));
    out.attributes.set("FunctionUrl", Value::string(url.function_url.value_or("")));
    return out;
  }
  static Value input_for(const Value& properties) {
    return pick_as(properties, {{"TargetFunctionArn", "FunctionName"},
                                {"Qualifier", "Qualifier"},
                                {"AuthType", "AuthType"},
                                {"Cors", "Cors"},
                                {"InvokeMode", "InvokeMode"}});
  }

  const ResourceSchema schema_{.type = "AWS::Lambda::Url",
                               .properties = {{"TargetFunctionArn", OnChange::kReplace, true},
                                              {"Qualifier", OnChange::kReplace},
                                              {"AuthType", OnChange::kUpdate, true},
                                              {"Cors"},
                                              {"InvokeMode"}},
                               .unsupported = {},
                               .attributes = {"FunctionArn", "FunctionUrl"},
                               .name = {}};
};

}  // namespace

void add_lambda_more(ResourceRegistry& registry) {
  registry.add(std::make_unique<LayerVersion>());
  registry.add(std::make_unique<LayerVersionPermission>());
  registry.add(std::make_unique<EventInvokeConfig>());
  registry.add(std::make_unique<Url>());
}

}  // namespace stacks::resources
