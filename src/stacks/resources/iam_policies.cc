// AWS::IAM::Policy (inline, on users, roles and groups) and AWS::IAM::ManagedPolicy.

#include <fmt/format.h>

#include <algorithm>

#include "api/iam/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/iam_entity.h"

namespace stacks::resources {

namespace {

namespace op = api::iam::op;

constexpr std::pair<Holder, std::string_view> kHolders[] = {
    {Holder::kUser, "Users"}, {Holder::kRole, "Roles"}, {Holder::kGroup, "Groups"}};

std::string document_of(const Value& properties) {
  const Value* document = properties.find("PolicyDocument");
  if (document == nullptr) return "";
  return document->is_object() ? to_json(*document) : document->text();
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

class Policy final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    bool has_holder = false;
    for (const auto& [holder, list] : kHolders)
      has_holder = has_holder || !texts(properties, list).empty();
    if (!has_holder) co_return refuse("At least one of [Groups,Roles,Users] must be non-empty.");
    Made made{.physical_id = context.name, .failure = {}};
    auto set = co_await apply(context, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto set = co_await apply(context, before.properties, after);
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    return apply(context, physical.properties, Value::object());
  }

 private:
  static async::Task<api::Outcome<void>> apply(const StepContext& context, Value before,
                                               Value after) {
    const std::string old_name = before.text_of("PolicyName");
    const std::string new_name = after.text_of("PolicyName");
    for (const auto& [holder, list] : kHolders) {
      const auto now = texts(after, list);
      for (const std::string& name : now) {
        auto put = co_await put_inline_policy(context, holder, name, new_name, document_of(after));
        if (!put) co_return put;
      }
      for (const std::string& name : texts(before, list)) {
        if (contains(now, name) && old_name == new_name) continue;
        auto deleted = co_await delete_inline_policy(context, holder, name, old_name);
        if (!deleted) co_return deleted;
      }
    }
    co_return api::Outcome<void>();
  }

  const ResourceSchema schema_{.type = "AWS::IAM::Policy",
                               .properties = {{"PolicyName", OnChange::kUpdate, true},
                                              {"PolicyDocument", OnChange::kUpdate, true},
                                              {"Groups"},
                                              {"Roles"},
                                              {"Users"}},
                               .unsupported = {},
                               .attributes = {},
                               .name = {}};
};

class ManagedPolicy final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& properties) const override {
    op::GetPolicy::Input look;
    look.policy_arn = arn_of(context, properties);
    auto free = co_await refuse_existing<op::GetPolicy>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"Description", "Path", "PolicyDocument"});
    input.set("PolicyName", Value::string(context.name));
    auto created = co_await call_with<op::CreatePolicy>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    Made made{.physical_id = arn_of(context, properties), .failure = {}};
    made.attributes.set("PolicyArn", Value::string(made.physical_id));
    auto set = co_await attach(context, made.physical_id, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    if (changed(before.properties, after, "PolicyDocument")) {
      auto made_room = co_await drop_old_versions(context, before.id);
      if (!made_room) co_return std::unexpected(made_room.error());
      op::CreatePolicyVersion::Input input;
      input.policy_arn = before.id;
      input.policy_document = document_of(after);
      input.set_as_default = true;
      auto versioned = co_await context.invoke<op::CreatePolicyVersion>(std::move(input));
      if (!versioned) co_return std::unexpected(versioned.error());
    }
    auto set = co_await attach(context, before.id, before.properties, after);
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    auto detached = co_await attach(context, physical.id, physical.properties, Value::object());
    if (!detached) co_return detached;
    auto dropped = co_await drop_old_versions(context, physical.id);
    if (!dropped) co_return gone(dropped);
    op::DeletePolicy::Input input;
    input.policy_arn = physical.id;
    auto deleted = co_await context.invoke<op::DeletePolicy>(std::move(input));
    co_return gone(deleted);
  }

 private:
  static std::string arn_of(const StepContext& context, const Value& properties) {
    return fmt::format("arn:aws:iam::{}:policy{}{}", context.call.account_id,
                       properties.text_of("Path", "/"), context.name);
  }

  // A policy has five versions at most.
  static async::Task<api::Outcome<void>> drop_old_versions(const StepContext& context,
                                                           std::string arn) {
    op::ListPolicyVersions::Input look;
    look.policy_arn = arn;
    auto found = co_await context.invoke<op::ListPolicyVersions>(std::move(look));
    if (!found) co_return std::unexpected(found.error());
    if (!found->versions) co_return api::Outcome<void>();
    for (const auto& version : *found->versions) {
      if (version.is_default_version.value_or(false)) continue;
      op::DeletePolicyVersion::Input input;
      input.policy_arn = arn;
      input.version_id = version.version_id;
      auto deleted = co_await context.invoke<op::DeletePolicyVersion>(std::move(input));
      if (!deleted) co_return gone(deleted);
    }
    co_return api::Outcome<void>();
  }

  static async::Task<api::Outcome<void>> attach(const StepContext& context, std::string arn,
                                                Value before, Value after) {
    for (const auto& [holder, list] : kHolders) {
      const auto now = texts(after, list);
      for (const std::string& name : now) {
        auto attached = co_await attach_policy(context, holder, name, arn);
        if (!attached) co_return attached;
      }
      for (const std::string& name : texts(before, list)) {
        if (contains(now, name)) continue;
        auto detached = co_await detach_policy(context, holder, name, arn);
        if (!detached) co_return detached;
      }
    }
    co_return api::Outcome<void>();
  }

  const ResourceSchema schema_{.type = "AWS::IAM::ManagedPolicy",
                               .properties = {{"ManagedPolicyName", OnChange::kReplace},
                                              {"Description", OnChange::kReplace},
                                              {"Path", OnChange::kReplace},
                                              {"PolicyDocument", OnChange::kUpdate, true},
                                              {"Groups"},
                                              {"Roles"},
                                              {"Users"}},
                               .unsupported = {},
                               .attributes = {"PolicyArn"},
                               .name = {.property = "ManagedPolicyName", .max = 128}};
};

}  // namespace

void add_iam_policies(ResourceRegistry& registry) {
  registry.add(std::make_unique<Policy>());
  registry.add(std::make_unique<ManagedPolicy>());
}

}  // namespace stacks::resources
