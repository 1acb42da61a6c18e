// AWS::IAM::User, Role, Group, AccessKey and UserToGroupAddition.

#include <fmt/format.h>

#include <algorithm>

#include "api/iam/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/iam_entity.h"

namespace stacks::resources {

namespace {

namespace op = api::iam::op;

async::Task<api::Outcome<void>> add_to_group(const StepContext& context, std::string user,
                                             std::string group) {
  op::AddUserToGroup::Input input;
  input.user_name = std::move(user);
  input.group_name = std::move(group);
  auto added = co_await context.invoke<op::AddUserToGroup>(std::move(input));
  co_return done(added);
}

async::Task<api::Outcome<void>> remove_from_group(const StepContext& context, std::string user,
                                                  std::string group) {
  op::RemoveUserFromGroup::Input input;
  input.user_name = std::move(user);
  input.group_name = std::move(group);
  auto removed = co_await context.invoke<op::RemoveUserFromGroup>(std::move(input));
  co_return gone(removed);
}

// Adds and removes so that membership goes from `before` to `after`.
async::Task<api::Outcome<void>> move_groups(const StepContext& context, std::string user,
                                            std::vector<std::string> before,
                                            std::vector<std::string> after) {
  for (const std::string& group : after) {
    auto added = co_await add_to_group(context, user, group);
    if (!added) co_return added;
  }
  for (const std::string& group : before) {
    if (std::find(after.begin(), after.end(), group) != after.end()) continue;
    auto removed = co_await remove_from_group(context, user, group);
    if (!removed) co_return removed;
  }
  co_return api::Outcome<void>();
}

class User final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::GetUser::Input look;
    look.user_name = context.name;
    auto free = co_await refuse_existing<op::GetUser>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"Path", "PermissionsBoundary"});
    input.set("UserName", Value::string(context.name));
    if (Value tags = tag_list(properties, context.stack_tags); !tags.is_null())
      input.set("Tags", std::move(tags));
    auto created = co_await call_with<op::CreateUser>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    op::GetUser::Input look;
    look.user_name = context.name;
    auto found = co_await context.invoke<op::GetUser>(std::move(look));
    Made made{.physical_id = context.name, .failure = {}};
    if (found && found->user)
      made.attributes.set("Arn", Value::string(found->user->arn.value_or("")));
    else if (created && created->user)  // a role that may make users but not look at them
      made.attributes.set("Arn", Value::string(created->user->arn.value_or("")));
    auto set = co_await apply(context, context.name, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    if (changed(before.properties, after, "PermissionsBoundary")) {
      api::Outcome<void> set;
      if (after.has("PermissionsBoundary")) {
        op::PutUserPermissionsBoundary::Input input;
        input.user_name = before.id;
        input.permissions_boundary = after.text_of("PermissionsBoundary");
        auto put = co_await context.invoke<op::PutUserPermissionsBoundary>(std::move(input));
        set = done(put);
      } else {
        op::DeleteUserPermissionsBoundary::Input input;
        input.user_name = before.id;
        auto deleted = co_await context.invoke<op::DeleteUserPermissionsBoundary>(std::move(input));
        set = gone(deleted);
      }
      if (!set) co_return std::unexpected(set.error());
    }
    if (changed(before.properties, after, "Tags") && after.has("Tags")) {
      Value input =
          Value::object({"UserName", "Tags"}, {Value::string(before.id), tag_list(after, {})});
      auto tagged = co_await call_with<op::TagUser>(context, std::move(input));
      if (!tagged) co_return std::unexpected(tagged.error());
    }
    auto set = co_await apply(context, before.id, before.properties, after);
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    auto stripped = co_await apply(context, physical.id, physical.properties, Value::object());
    if (!stripped && !is_not_found(stripped.error())) co_return stripped;
    op::DeleteUser::Input input;
    input.user_name = physical.id;
    auto deleted = co_await context.invoke<op::DeleteUser>(std::move(input));
    co_return gone(deleted);
  }

 private:
  static async::Task<api::Outcome<void>> apply(const StepContext& context, std::string name,
                                               Value before, Value after) {
    auto set = co_await apply_policies(context, Holder::kUser, name, before, after);
    if (!set) co_return set;
    auto moved =
        co_await move_groups(context, name, texts(before, "Groups"), texts(after, "Groups"));
    co_return moved;
  }

  const ResourceSchema schema_{.type = "AWS::IAM::User",
                               .properties = {{"UserName", OnChange::kReplace},
                                              {"Path", OnChange::kReplace},
                                              {"Groups"},
                                              {"ManagedPolicyArns"},
                                              {"PermissionsBoundary"},
                                              {"Policies"},
                                              {"Tags"}},
                               .unsupported = {"LoginProfile"},
                               .attributes = {"Arn"},
                               .name = {.property = "UserName", .max = 64}};
};

class Role final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::GetRole::Input look;
    look.role_name = context.name;
    auto free = co_await refuse_existing<op::GetRole>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"Path", "AssumeRolePolicyDocument", "Description",
                                    "MaxSessionDuration", "PermissionsBoundary"});
    input.set("RoleName", Value::string(context.name));
    if (Value tags = tag_list(properties, context.stack_tags); !tags.is_null())
      input.set("Tags", std::move(tags));
    auto created = co_await call_with<op::CreateRole>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    Made made{.physical_id = context.name, .failure = {}};
    if (created && created->role) {
      made.attributes.set("Arn", Value::string(created->role->arn.value_or("")));
      made.attributes.set("RoleId", Value::string(created->role->role_id.value_or("")));
    } else {
      op::GetRole::Input look;
      look.role_name = context.name;
      auto found = co_await context.invoke<op::GetRole>(std::move(look));
      if (!found || !found->role)
        co_return std::unexpected(found ? created.error() : found.error());
      made.attributes.set("Arn", Value::string(found->role->arn.value_or("")));
      made.attributes.set("RoleId", Value::string(found->role->role_id.value_or("")));
    }
    auto set =
        co_await apply_policies(context, Holder::kRole, context.name, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    const Value& was = before.properties;
    if (changed(was, after, "AssumeRolePolicyDocument")) {
      Value input = pick_as(after, {{"AssumeRolePolicyDocument", "PolicyDocument"}});
      input.set("RoleName", Value::string(before.id));
      auto set = co_await call_with<op::UpdateAssumeRolePolicy>(context, std::move(input));
      if (!set) co_return std::unexpected(set.error());
    }
    if (changed(was, after, "Description") || changed(was, after, "MaxSessionDuration")) {
      Value input = pick(after, {"MaxSessionDuration"});
      input.set("Description", Value::string(after.text_of("Description")));
      input.set("RoleName", Value::string(before.id));
      auto set = co_await call_with<op::UpdateRole>(context, std::move(input));
      if (!set) co_return std::unexpected(set.error());
    }
    auto bounded = co_await set_boundary(context, before, after);
    if (!bounded) co_return std::unexpected(bounded.error());
    if (changed(was, after, "Tags") && after.has("Tags")) {
      Value input =
          Value::object({"RoleName", "Tags"}, {Value::string(before.id), tag_list(after, {})});
      auto tagged = co_await call_with<op::TagRole>(context, std::move(input));
      if (!tagged) co_return std::unexpected(tagged.error());
    }
    auto set = co_await apply_policies(context, Holder::kRole, before.id, was, after);
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    auto stripped = co_await apply_policies(context, Holder::kRole, physical.id,
                                            physical.properties, Value::object());
    if (!stripped && !is_not_found(stripped.error())) co_return stripped;
    op::DeleteRole::Input input;
    input.role_name = physical.id;
    auto deleted = co_await context.invoke<op::DeleteRole>(std::move(input));
    co_return gone(deleted);
  }

 private:
  static async::Task<api::Outcome<void>> set_boundary(const StepContext& context,
                                                      const Physical& before, Value after) {
    if (!changed(before.properties, after, "PermissionsBoundary")) co_return api::Outcome<void>();
    if (!after.has("PermissionsBoundary")) {
      op::DeleteRolePermissionsBoundary::Input input;
      input.role_name = before.id;
      auto deleted = co_await context.invoke<op::DeleteRolePermissionsBoundary>(std::move(input));
      co_return gone(deleted);
    }
    op::PutRolePermissionsBoundary::Input input;
    input.role_name = before.id;
    input.permissions_boundary = after.text_of("PermissionsBoundary");
    auto put = co_await context.invoke<op::PutRolePermissionsBoundary>(std::move(input));
    co_return done(put);
  }

  const ResourceSchema schema_{.type = "AWS::IAM::Role",
                               .properties = {{"RoleName", OnChange::kReplace},
                                              {"Path", OnChange::kReplace},
                                              {"AssumeRolePolicyDocument", OnChange::kUpdate, true},
                                              {"Description"},
                                              {"ManagedPolicyArns"},
                                              {"MaxSessionDuration", OnChange::kUpdate, false,
                                               shape_of<op::CreateRole>("MaxSessionDuration")},
                                              {"PermissionsBoundary"},
                                              {"Policies"},
                                              {"Tags"}},
                               .unsupported = {},
                               .attributes = {"Arn", "RoleId"},
                               .name = {.property = "RoleName", .max = 64}};
};

class Group final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::GetGroup::Input look;
    look.group_name = context.name;
    auto free = co_await refuse_existing<op::GetGroup>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick(properties, {"Path"});
    input.set("GroupName", Value::string(context.name));
    auto created = co_await call_with<op::CreateGroup>(context, std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    Made made{.physical_id = context.name, .failure = {}};
    made.attributes.set(
        "Arn", Value::string(fmt::format("arn:aws:iam::{}:group{}{}", context.call.account_id,
                                         properties.text_of("Path", "/"), context.name)));
    auto set =
        co_await apply_policies(context, Holder::kGroup, context.name, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto set = co_await apply_policies(context, Holder::kGroup, before.id, before.properties,
                                       std::move(after));
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    auto stripped = co_await apply_policies(context, Holder::kGroup, physical.id,
                                            physical.properties, Value::object());
    if (!stripped && !is_not_found(stripped.error())) co_return stripped;
    op::DeleteGroup::Input input;
    input.group_name = physical.id;
    auto deleted = co_await context.invoke<op::DeleteGroup>(std::move(input));
    co_return gone(deleted);
  }

 private:
  const ResourceSchema schema_{.type = "AWS::IAM::Group",
                               .properties = {{"GroupName", OnChange::kReplace},
                                              {"Path", OnChange::kReplace},
                                              {"ManagedPolicyArns"},
                                              {"Policies"}},
                               .unsupported = {},
                               .attributes = {"Arn"},
                               .name = {.property = "GroupName", .max = 128}};
};

class AccessKey final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  // Notes the keys that are there, so that one made by an interrupted try can be told from them.
  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& properties) const override {
    auto keys = co_await list(context, properties.text_of("UserName"));
    if (!keys) co_return std::unexpected(keys.error());
    co_return *keys;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    const std::string user = properties.text_of("UserName");
    if (context.retried) {
      // Its secret was shown only to the process that died: take it back and make another.
      auto keys = co_await list(context, user);
      if (!keys) co_return std::unexpected(keys.error());
      for (const Value& key : keys->items()) {
        const auto& known = context.prepared.items();
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        auto deleted = co_await remove_key(context, user, key.text());
        if (!deleted) co_return std::unexpected(deleted.error());
      }
    }
    op::CreateAccessKey::Input input;
    input.user_name = user;
    auto created = co_await context.invoke<op::CreateAccessKey>(std::move(input));
    if (!created) co_return std::unexpected(created.error());
    if (!created->access_key) co_return std::unexpected(api::internal_failure());
    Made made{.physical_id = created->access_key->access_key_id.value_or(""), .failure = {}};
    made.attributes.set("SecretAccessKey",
                        Value::string(created->access_key->secret_access_key.value_or("")));
    if (properties.text_of("Status", "Active") != "Active") {
      auto set = co_await set_status(context, user, made.physical_id, "Inactive");
      if (!set) made.failure = set.error();
    }
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto set = co_await set_status(context, after.text_of("UserName"), before.id,
                                   after.text_of("Status", "Active"));
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    return remove_key(context, physical.properties.text_of("UserName"), physical.id);
  }

 private:
  static async::Task<api::Outcome<Value>> list(const StepContext& context, std::string user) {
    op::ListAccessKeys::Input input;
    input.user_name = std::move(user);
    auto keys = co_await context.invoke<op::ListAccessKeys>(std::move(input));
    if (!keys) co_return std::unexpected(keys.error());
    Value ids = Value::list();
    if (keys->access_key_metadata)
      for (const auto& key : *keys->access_key_metadata)
        ids.push(Value::string(key.access_key_id.value_or("")));
    co_return ids;
  }

  static async::Task<api::Outcome<void>> remove_key(const StepContext& context, std::string user,
                                                    std::string key) {
    op::DeleteAccessKey::Input input;
    input.user_name = std::move(user);
    input.access_key_id = std::move(key);
    auto deleted = co_await context.invoke<op::DeleteAccessKey>(std::move(input));
    co_return gone(deleted);
  }

  static async::Task<api::Outcome<void>> set_status(const StepContext& context, std::string user,
                                                    std::string key, std::string status) {
    op::UpdateAccessKey::Input input;
    input.user_name = std::move(user);
    input.access_key_id = std::move(key);
    input.status = std::move(status);
    auto updated = co_await context.invoke<op::UpdateAccessKey>(std::move(input));
    co_return done(updated);
  }

  const ResourceSchema schema_{.type = "AWS::IAM::AccessKey",
                               .properties = {{"UserName", OnChange::kReplace, true},
                                              {"Serial", OnChange::kReplace},
                                              {"Status"}},
                               .unsupported = {},
                               .attributes = {"SecretAccessKey"},
                               .name = {}};
};

class UserToGroupAddition final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Made made{.physical_id = context.name, .failure = {}};
    auto set = co_await apply(context, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto set = co_await apply(context, before.properties, after);
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    return apply(context, physical.properties, Value::object());
  }

 private:
  static async::Task<api::Outcome<void>> apply(const StepContext& context, Value before,
                                               Value after) {
    const std::string old_group = before.text_of("GroupName");
    const std::string new_group = after.text_of("GroupName");
    const auto new_users = texts(after, "Users");
    for (const std::string& user : new_users) {
      auto added = co_await add_to_group(context, user, new_group);
      if (!added) co_return added;
    }
    for (const std::string& user : texts(before, "Users")) {
      const bool stays = std::find(new_users.begin(), new_users.end(), user) != new_users.end();
      if (stays && old_group == new_group) continue;
      auto removed = co_await remove_from_group(context, user, old_group);
      if (!removed) co_return removed;
    }
    co_return api::Outcome<void>();
  }

  const ResourceSchema schema_{
      .type = "AWS::IAM::UserToGroupAddition",
      .properties = {{"GroupName", OnChange::kUpdate, true}, {"Users", OnChange::kUpdate, true}},
      .unsupported = {},
      .attributes = {},
      .name = {}};
};

}  // namespace

void add_iam_identities(ResourceRegistry& registry) {
  registry.add(std::make_unique<User>());
  registry.add(std::make_unique<Role>());
  registry.add(std::make_unique<Group>());
  registry.add(std::make_unique<AccessKey>());
  registry.add(std::make_unique<UserToGroupAddition>());
}

}  // namespace stacks::resources
