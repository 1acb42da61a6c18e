#include "services/s3/access.h"

#include <algorithm>

#include "auth/policy.h"
#include "services/s3/acl.h"
#include "services/s3/public_policy.h"

namespace services::s3 {
namespace {

using auth::PolicyDocument;
using auth::Statement;
using objects::Acl;
using objects::Bucket;
using objects::Grant;
using objects::Permission;
using Actions = std::vector<std::string_view>;

// What a permission allows on a bucket, and on an object.
Actions bucket_actions(Permission permission) {
  switch (permission) {
    case Permission::kRead:
      return {"s3:listbucket", "s3:listbucketversions", "s3:listbucketmultipartuploads"};
    case Permission::kWrite:
      return {"s3:putobject", "s3:deleteobject", "s3:deleteobjectversion",
              "s3:abortmultipartupload", "s3:listmultipartuploadparts"};
    case Permission::kReadAcp: return {"s3:getbucketacl"};
    case Permission::kWriteAcp: return {"s3:putbucketacl"};
    case Permission::kFullControl: break;
  }
  Actions all;
  for (const Permission each :
       {Permission::kRead, Permission::kWrite, Permission::kReadAcp, Permission::kWriteAcp})
    std::ranges::copy(bucket_actions(each), std::back_inserter(all));
  return all;
}

Actions object_actions(Permission permission) {
  switch (permission) {
    case Permission::kRead: return {"s3:getobject", "s3:getobjectversion"};
    case Permission::kWrite: return {};
    case Permission::kReadAcp: return {"s3:getobjectacl", "s3:getobjectversionacl"};
    case Permission::kWriteAcp: return {"s3:putobjectacl", "s3:putobjectversionacl"};
    case Permission::kFullControl: break;
  }
  return {"s3:getobject",           "s3:getobjectversion", "s3:getobjectacl",
          "s3:getobjectversionacl", "s3:putobjectacl",     "s3:putobjectversionacl"};
}

bool is_for(const Grant& grant, const Bucket& bucket, const auth::Principal& who) {
  if (!grant.group)
    return !who.account_id.empty() && who.account_id != bucket.account_id &&
           grant.grantee == canonical_id(who.account_id);
  if (bucket.public_access && bucket.public_access->ignore_public_acls) return false;
  if (grant.grantee == kAllUsers) return true;
  return grant.grantee == kAuthenticatedUsers && who.kind != auth::PrincipalKind::kAnonymous;
}

void add_grants(PolicyDocument& document, const Acl& acl, const Bucket& bucket,
                const auth::Principal& who, Actions (*actions_of)(Permission)) {
  for (const Grant& grant : acl.grants) {
    if (!is_for(grant, bucket, who)) continue;
    Statement statement;
    statement.allow = true;
    for (const std::string_view action : actions_of(grant.permission))
      statement.actions.push_back(auth::make_pattern(action));
    if (statement.actions.empty()) continue;
    // The document serves one check of one resource.
    statement.has_resource = true;
    statement.resources.push_back(auth::make_pattern("*"));
    statement.has_principal = true;
    statement.principals.push_back({.type = auth::PrincipalType::kAnyone, .value = {}});
    document.statements.push_back(std::move(statement));
  }
}

// The bucket's policy as far as it counts for this caller.
PolicyDocument policy_of(const Bucket& bucket, const auth::Principal& who) {
  if (bucket.policy.empty()) return {};
  auto policy = auth::parse_policy(bucket.policy, auth::PolicyKind::kResource);
  if (!policy) return {};
  const bool restricted = bucket.public_access && bucket.public_access->restrict_public_buckets;
  if (restricted && who.account_id != bucket.account_id &&
      who.kind != auth::PrincipalKind::kService && is_public(*policy))
    std::erase_if(policy->statements, [](const Statement& statement) { return statement.allow; });
  return *std::move(policy);
}

auth::Check make_check(const Context& context, std::string action, std::string resource,
                       const Bucket& bucket, const Acl* object_acl, Keys keys) {
  const auth::Principal& who = *context.principal;
  PolicyDocument document = policy_of(bucket, who);
  if (bucket.ownership != kOwnerEnforced) {
    add_grants(document, bucket.acl, bucket, who, bucket_actions);
    if (object_acl != nullptr) add_grants(document, *object_acl, bucket, who, object_actions);
  }
  auth::Check check{
      .action = std::move(action), .resource = std::move(resource), .context = std::move(keys)};
  check.resource_account = bucket.account_id;
  if (!document.statements.empty())
    check.resource_policy = std::make_shared<const PolicyDocument>(std::move(document));
  return check;
}

}  // namespace

std::string bucket_arn(const std::string& bucket) { return "arn:aws:s3:::" + bucket; }
std::string object_arn(const std::string& bucket, const std::string& key) {
  return bucket_arn(bucket) + "/" + key;
}

void add_key(Keys& keys, std::string name, const std::optional<std::string>& value) {
  if (value) keys.push_back({std::move(name), {*value}});
}

auth::Check bucket_check(const Context& context, std::string action, const Bucket& bucket,
                         Keys keys) {
  return make_check(context, std::move(action), bucket_arn(bucket.name), bucket, nullptr,
                    std::move(keys));
}

auth::Check object_check(const Context& context, std::string action, const Bucket& bucket,
                         const std::string& key, const Acl* acl, Keys keys) {
  return make_check(context, std::move(action), object_arn(bucket.name, key), bucket, acl,
                    std::move(keys));
}

async::Task<api::Outcome<wire::Checks>> refused(api::Error error) {
  co_return std::unexpected(std::move(error));
}

async::Task<api::Outcome<wire::Checks>> read_checks(const Deps& deps, const Context& context,
                                                    objects::BucketPtr bucket, std::string key,
                                                    std::vector<std::string> actions) {
  const auto object = co_await deps.objects.find(bucket->name, key);
  if (!object && object.error().code != base::ErrorCode::kNotFound)
    co_return std::unexpected(to_api_error(object.error(), bucket->name, key));
  Keys tags;
  if (object)
    for (const auto& [name, value] : object->settings.tags)
      tags.push_back({"s3:ExistingObjectTag/" + name, {value}});
  wire::Checks checks;
  for (std::string& action : actions)
    checks.push_back(object_check(context, std::move(action), *bucket, key,
                                  object ? &object->settings.acl : nullptr, tags));
  if (!object) checks.push_back(bucket_check(context, "s3:ListBucket", *bucket));
  co_return checks;
}

}  // namespace services::s3
