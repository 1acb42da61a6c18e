// AWS::Lambda::Permission, Version and Alias.

#include "api/lambda/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::lambda::op;

class Permission final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = properties;
    input.set("StatementId", Value::string(context.name));
    auto added = co_await call_with<op::AddPermission>(context, std::move(input));
    if (!added && !(context.retried && is_conflict(added.error())))
      co_return std::unexpected(added.error());
    Made made{.physical_id = context.name, .failure = {}};
    made.attributes.set("Id", Value::string(context.name));
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& before,
                                         Value /*after*/) const override {
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::RemovePermission::Input input;
    input.function_name = physical.properties.text_of("FunctionName");
    input.statement_id = physical.id;
    auto removed = co_await context.invoke<op::RemovePermission>(std::move(input));
    co_return gone(removed);
  }

 private:
  static PropertyRule fixed(std::string_view name, bool required = false) {
    return {name, OnChange::kReplace, required, shape_of<op::AddPermission>(name)};
  }
  const ResourceSchema schema_{
      .type = "AWS::Lambda::Permission",
      .properties = {fixed("FunctionName", true), fixed("Action", true), fixed("Principal", true),
                     fixed("SourceArn"), fixed("SourceAccount"), fixed("EventSourceToken"),
                     fixed("PrincipalOrgID"), fixed("FunctionUrlAuthType"),
                     fixed("InvokedViaFunctionUrl")},
      .unsupported = {},
      .attributes = {"Id"},
      .name = {.property = "", .max = 100}};
};

constexpr std::string_view kProvisioned = "ProvisionedConcurrencyConfig";

// The environments that a template keeps ready for a version or an alias; there when it answers.
async::Task<api::Outcome<void>> provide(const StepContext& context, std::string function,
                                        std::string qualifier, Value was, Value now) {
  if (!changed(was, now, kProvisioned)) co_return api::Outcome<void>();
  const Value* const wanted = now.find(kProvisioned);
  if (wanted == nullptr) {
    op::DeleteProvisionedConcurrencyConfig::Input input;
    input.function_name = function;
    input.qualifier = qualifier;
    auto deleted =
        co_await context.invoke<op::DeleteProvisionedConcurrencyConfig>(std::move(input));
    co_return gone(deleted);
  }
  Value input = *wanted;
  input.set("FunctionName", Value::string(function));
  input.set("Qualifier", Value::string(qualifier));
  auto put = co_await call_with<op::PutProvisionedConcurrencyConfig>(context, std::move(input));
  if (!put) co_return done(put);
  Poll poll(context);
  while (true) {
    op::GetProvisionedConcurrencyConfig::Input look;
    look.function_name = function;
    look.qualifier = qualifier;
    auto found = co_await context.invoke<op::GetProvisionedConcurrencyConfig>(std::move(look));
    if (!found) co_return done(found);
    if (found->status == "READY") co_return api::Outcome<void>();
    if (found->status == "FAILED")
      co_return refuse("Provisioned concurrency could not be allocated: " +
                       found->status_reason.value_or(""));
    auto paused = co_await poll.pause();
    if (!paused) co_return std::unexpected(paused.error());
  }
}

class Version final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"FunctionName", "CodeSha256", "Description"});
    auto published = co_await call_with<op::PublishVersion>(context, std::move(input));
    if (!published) co_return std::unexpected(published.error());
    Made made{.physical_id = published->function_arn.value_or(""), .failure = {}};
    made.attributes.set("Version", Value::string(published->version.value_or("")));
    made.attributes.set("FunctionArn", Value::string(made.physical_id));
    auto provided = co_await provide(context, properties.text_of("FunctionName"),
                                     published->version.value_or(""), Value::object(), properties);
    if (!provided) made.failure = provided.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& /*context*/, const Physical& before,
                                         Value /*after*/) const override {
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteFunction::Input input;
    input.function_name = physical.properties.text_of("FunctionName");
    input.qualifier = physical.attributes.text_of("Version");
    auto deleted = co_await context.invoke<op::DeleteFunction>(std::move(input));
    co_return gone(deleted);
  }

 private:
  const ResourceSchema schema_{.type = "AWS::Lambda::Version",
                               .properties = {{"FunctionName", OnChange::kReplace, true},
                                              {"CodeSha256", OnChange::kReplace},
                                              {"Description", OnChange::kReplace},
                                              {kProvisioned, OnChange::kReplace}},
                               .unsupported = {"FunctionScalingConfig", "RuntimePolicy"},
                               .attributes = {"FunctionArn", "Version"},
                               .name = {}};
};

class Alias final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    auto created = co_await call_with<op::CreateAlias>(context, input_for(properties));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    op::GetAlias::Input look;
    look.function_name = properties.text_of("FunctionName");
    look.name = properties.text_of("Name");
    auto found = co_await context.invoke<op::GetAlias>(std::move(look));
    if (!found) co_return std::unexpected(found.error());
    Made made{.physical_id = found->alias_arn.value_or(""), .failure = {}};
    made.attributes.set("AliasArn", Value::string(made.physical_id));
    auto provided = co_await provide(context, properties.text_of("FunctionName"),
                                     properties.text_of("Name"), Value::object(), properties);
    if (!provided) made.failure = provided.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    Value input = input_for(after);
    if (!after.has("RoutingConfig"))
      input.set("RoutingConfig", Value::object({"AdditionalVersionWeights"}, {Value::object()}));
    auto updated = co_await call_with<op::UpdateAlias>(context, std::move(input));
    if (!updated) co_return std::unexpected(updated.error());
    auto provided = co_await provide(context, after.text_of("FunctionName"), after.text_of("Name"),
                                     before.properties, after);
    if (!provided) co_return std::unexpected(provided.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteAlias::Input input;
    input.function_name = physical.properties.text_of("FunctionName");
    input.name = physical.properties.text_of("Name");
    auto deleted = co_await context.invoke<op::DeleteAlias>(std::move(input));
    co_return gone(deleted);
  }

 private:
  // Templates list the weights, the API maps them.
  static Value input_for(const Value& properties) {
    Value input = properties;
    input.erase(kProvisioned);
    const Value* routing = properties.find("RoutingConfig");
    if (routing == nullptr) return input;
    Value weights = Value::object();
    if (const Value* list = routing->find("AdditionalVersionWeights"))
      for (const Value& one : list->items())
        if (const Value* weight = one.find("FunctionWeight"))
          weights.set(one.text_of("FunctionVersion"), *weight);
    input.set("RoutingConfig", Value::object({"AdditionalVersionWeights"}, {weights}));
    return input;
  }

  const ResourceSchema schema_{.type = "AWS::Lambda::Alias",
                               .properties = {{"FunctionName", OnChange::kReplace, true},
                                              {"Name", OnChange::kReplace, true},
                                              {"FunctionVersion", OnChange::kUpdate, true},
                                              {"Description"},
                                              {"RoutingConfig"},
                                              {kProvisioned}},
                               .unsupported = {},
                               .attributes = {"AliasArn"},
                               .name = {}};
};

}  // namespace

void add_lambda_parts(ResourceRegistry& registry) {
  registry.add(std::make_unique<Permission>());
  registry.add(std::make_unique<Version>());
  registry.add(std::make_unique<Alias>());
}

}  // namespace stacks::resources
