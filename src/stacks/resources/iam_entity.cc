#include "stacks/resources/iam_entity.h"

#include <algorithm>

#include "api/iam/operations.h"

namespace stacks::resources {

namespace op = api::iam::op;

namespace {

// Each operation names its holder by another member.
Value input_for(Holder holder, const std::string& name) {
  const char* member = holder == Holder::kUser   ? "UserName"
                       : holder == Holder::kRole ? "RoleName"
                                                 : "GroupName";
  return Value::object({member}, {Value::string(name)});
}

template <class UserOp, class RoleOp, class GroupOp>
async::Task<api::Outcome<void>> call_for(const StepContext& context, Holder holder, Value input) {
  api::Outcome<void> outcome;
  if (holder == Holder::kUser) {
    auto answer = co_await call_with<UserOp>(context, std::move(input));
    outcome = done(answer);
  } else if (holder == Holder::kRole) {
    auto answer = co_await call_with<RoleOp>(context, std::move(input));
    outcome = done(answer);
  } else {
    auto answer = co_await call_with<GroupOp>(context, std::move(input));
    outcome = done(answer);
  }
  co_return outcome;
}

std::string document_of(const Value& policy) {
  const Value* document = policy.find("PolicyDocument");
  if (document == nullptr) return "";
  return document->is_object() ? to_json(*document) : document->text();
}

}  // namespace

async::Task<api::Outcome<void>> put_inline_policy(const StepContext& context, Holder holder,
                                                  std::string name, std::string policy_name,
                                                  std::string document) {
  Value input = input_for(holder, name);
  input.set("PolicyName", Value::string(std::move(policy_name)));
  input.set("PolicyDocument", Value::string(std::move(document)));
  return call_for<op::PutUserPolicy, op::PutRolePolicy, op::PutGroupPolicy>(context, holder,
                                                                            std::move(input));
}

async::Task<api::Outcome<void>> delete_inline_policy(const StepContext& context, Holder holder,
                                                     std::string name, std::string policy_name) {
  Value input = input_for(holder, name);
  input.set("PolicyName", Value::string(std::move(policy_name)));
  auto deleted =
      co_await call_for<op::DeleteUserPolicy, op::DeleteRolePolicy, op::DeleteGroupPolicy>(
          context, holder, std::move(input));
  co_return gone(deleted);
}

async::Task<api::Outcome<void>> attach_policy(const StepContext& context, Holder holder,
                                              std::string name, std::string arn) {
  Value input = input_for(holder, name);
  input.set("PolicyArn", Value::string(std::move(arn)));
  return call_for<op::AttachUserPolicy, op::AttachRolePolicy, op::AttachGroupPolicy>(
      context, holder, std::move(input));
}

async::Task<api::Outcome<void>> detach_policy(const StepContext& context, Holder holder,
                                              std::string name, std::string arn) {
  Value input = input_for(holder, name);
  input.set("PolicyArn", Value::string(std::move(arn)));
  auto detached =
      co_await call_for<op::DetachUserPolicy, op::DetachRolePolicy, op::DetachGroupPolicy>(
          context, holder, std::move(input));
  co_return gone(detached);
}

async::Task<api::Outcome<void>> apply_policies(const StepContext& context, Holder holder,
                                               std::string name, Value before, Value after) {
  const Value none = Value::list();
  const Value* old_policies = before.find("Policies");
  const Value* new_policies = after.find("Policies");
  const auto named = [](const Value& policies, const std::string& policy) {
    return std::any_of(policies.items().begin(), policies.items().end(),
                       [&](const Value& one) { return one.text_of("PolicyName") == policy; });
  };
  if (new_policies == nullptr) new_policies = &none;
  if (old_policies == nullptr) old_policies = &none;
  for (const Value& policy : new_policies->items()) {
    auto put = co_await put_inline_policy(context, holder, name, policy.text_of("PolicyName"),
                                          document_of(policy));
    if (!put) co_return put;
  }
  for (const Value& policy : old_policies->items()) {
    const std::string policy_name = policy.text_of("PolicyName");
    if (named(*new_policies, policy_name)) continue;
    auto deleted = co_await delete_inline_policy(context, holder, name, policy_name);
    if (!deleted) co_return deleted;
  }
  const auto old_arns = texts(before, "ManagedPolicyArns");
  const auto new_arns = texts(after, "ManagedPolicyArns");
  for (const std::string& arn : new_arns) {
    auto attached = co_await attach_policy(context, holder, name, arn);
    if (!attached) co_return attached;
  }
  for (const std::string& arn : old_arns) {
    if (std::find(new_arns.begin(), new_arns.end(), arn) != new_arns.end()) continue;
    auto detached = co_await detach_policy(context, holder, name, arn);
    if (!detached) co_return detached;
  }
  co_return api::Outcome<void>();
}

}  // namespace stacks::resources
