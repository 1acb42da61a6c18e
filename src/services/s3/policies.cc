// Bucket policies, public access blocks and object ownership.
#include <algorithm>
#include <array>

#include "api/s3/operations.h"
#include "services/s3/access.h"
#include "services/s3/acl.h"
#include "services/s3/public_policy.h"

namespace services::s3 {

namespace s = api::s3;

namespace {

// AWS's limit for a bucket policy.
constexpr std::size_t kBucketPolicyBytesMax = 20UL << 10;

// Conditions on these keys, with fixed values, keep a policy from being public.
constexpr std::array<std::string_view, 12> kTyingKeys = {
    "aws:sourceip",         "aws:sourcearn",     "aws:sourcevpc",      "aws:sourcevpce",
    "aws:sourceowner",      "aws:sourceaccount", "aws:principalorgid", "aws:principalorgpaths",
    "aws:principalaccount", "aws:principalarn",  "aws:userid",         "s3:dataaccesspointarn"};

bool ties(const auth::Condition& condition) {
  const bool tying = std::ranges::find(kTyingKeys, condition.key) != kTyingKeys.end();
  return tying && !condition.negated && !condition.if_exists &&
         condition.set != auth::ConditionSet::kForAllValues &&
         std::ranges::none_of(condition.values, [](const auth::Pattern& value) {
           return value.text == "*" || value.text == "0.0.0.0/0" || value.text == "::/0";
         });
}

}  // namespace

bool is_public(const auth::PolicyDocument& policy) {
  return std::ranges::any_of(policy.statements, [](const auth::Statement& statement) {
    if (!statement.allow) return false;
    const bool everybody =
        statement.not_principal ||
        std::ranges::any_of(statement.principals, [](const auth::PrincipalPattern& who) {
          return who.type == auth::PrincipalType::kAnyone;
        });
    return everybody && std::ranges::none_of(statement.conditions, ties);
  });
}

namespace {

api::Error malformed_policy(std::string message) {
  return s3_error("MalformedPolicy", 400, std::move(message));
}

// Every resource has to lie in the bucket.
bool concerns_only(const auth::PolicyDocument& policy, const std::string& bucket) {
  const std::string arn = bucket_arn(bucket);
  return std::ranges::all_of(policy.statements, [&](const auth::Statement& statement) {
    return std::ranges::all_of(statement.resources, [&](const auth::Pattern& resource) {
      return resource.text == arn || resource.text.starts_with(arn + "/") ||
             resource.text.starts_with(arn + "*");
    });
  });
}

Answer<s::PutBucketPolicyOutput> put_policy(const Deps& deps, const Context&,
                                            s::PutBucketPolicyRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const std::string text = input.policy.value_or("");
  if (!text.starts_with('{'))
    co_return std::unexpected(
        malformed_policy("Policies must be valid JSON and the first byte must be '{'"));
  if (text.size() > kBucketPolicyBytesMax)
    co_return std::unexpected(
        s3_error("PolicyTooLarge", 400, "Policy exceeds the maximum allowed document size."));
  const auto policy = auth::parse_policy(text, auth::PolicyKind::kResource);
  if (!policy) co_return std::unexpected(policy.error());
  if (!concerns_only(*policy, (*bucket)->name))
    co_return std::unexpected(malformed_policy("Policy has invalid resource"));
  const auto& block = (*bucket)->public_access;
  if (block && block->block_public_policy && is_public(*policy))
    co_return std::unexpected(access_denied());
  const auto set = [text](objects::Bucket& changed) -> base::Status {
    changed.policy = text;
    return {};
  };
  const auto done = co_await deps.objects.update_bucket((*bucket)->name, set);
  if (!done) co_return std::unexpected(to_api_error(done.error(), (*bucket)->name, ""));
  co_return s::PutBucketPolicyOutput();
}

api::Error no_policy(const objects::Bucket& bucket) {
  return s3_error("NoSuchBucketPolicy", 404, "The bucket policy does not exist",
                  {{"BucketName", bucket.name}});
}

Answer<s::GetBucketPolicyOutput> get_policy(const Deps& deps, const Context&,
                                            s::GetBucketPolicyRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  if ((*bucket)->policy.empty()) co_return std::unexpected(no_policy(**bucket));
  s::GetBucketPolicyOutput output;
  output.policy = (*bucket)->policy;
  co_return output;
}

Answer<s::GetBucketPolicyStatusOutput> get_policy_status(const Deps& deps, const Context&,
                                                         s::GetBucketPolicyStatusRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  if ((*bucket)->policy.empty()) co_return std::unexpected(no_policy(**bucket));
  const auto policy = auth::parse_policy((*bucket)->policy, auth::PolicyKind::kResource);
  s::GetBucketPolicyStatusOutput output;
  output.policy_status.emplace().is_public = policy && is_public(*policy);
  co_return output;
}

template <class Output, class Input>
Answer<Output> change(const Deps& deps, Input input, std::function<void(objects::Bucket&)> how) {
  const auto set = [how](objects::Bucket& bucket) -> base::Status {
    how(bucket);
    return {};
  };
  const auto done = co_await deps.objects.update_bucket(*input.bucket, set);
  if (!done) co_return std::unexpected(to_api_error(done.error(), *input.bucket, ""));
  co_return Output();
}

Answer<s::PutPublicAccessBlockOutput> put_block(const Deps& deps, const Context&,
                                                s::PutPublicAccessBlockRequest input) {
  if (!input.public_access_block_configuration) co_return std::unexpected(malformed_xml());
  const auto& given = *input.public_access_block_configuration;
  const objects::PublicAccessBlock block{
      .block_public_acls = given.block_public_acls.value_or(false),
      .ignore_public_acls = given.ignore_public_acls.value_or(false),
      .block_public_policy = given.block_public_policy.value_or(false),
      .restrict_public_buckets = given.restrict_public_buckets.value_or(false)};
  auto done = co_await change<s::PutPublicAccessBlockOutput>(
      deps, input, [block](objects::Bucket& bucket) { bucket.public_access = block; });
  co_return done;
}

Answer<s::GetPublicAccessBlockOutput> get_block(const Deps& deps, const Context&,
                                                s::GetPublicAccessBlockRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const auto& block = (*bucket)->public_access;
  if (!block)
    co_return std::unexpected(s3_error("NoSuchPublicAccessBlockConfiguration", 404,
                                       "The public access block configuration was not found",
                                       {{"BucketName", (*bucket)->name}}));
  s::GetPublicAccessBlockOutput output;
  auto& shown = output.public_access_block_configuration.emplace();
  shown.block_public_acls = block->block_public_acls;
  shown.ignore_public_acls = block->ignore_public_acls;
  shown.block_public_policy = block->block_public_policy;
  shown.restrict_public_buckets = block->restrict_public_buckets;
  co_return output;
}

Answer<s::PutBucketOwnershipControlsOutput> put_ownership(
    const Deps& deps, const Context&, s::PutBucketOwnershipControlsRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const auto& controls = input.ownership_controls;
  const bool one = controls && controls->rules && controls->rules->size() == 1;
  const std::string ownership =
      one ? controls->rules->front().object_ownership.value_or("") : std::string();
  if (ownership != kOwnerEnforced && ownership != "BucketOwnerPreferred" &&
      ownership != "ObjectWriter")
    co_return std::unexpected(malformed_xml());
  const bool others = std::ranges::any_of((*bucket)->acl.grants, [&](const objects::Grant& grant) {
    return grant.group || grant.grantee != canonical_id((*bucket)->account_id);
  });
  if (ownership == kOwnerEnforced && others)
    co_return std::unexpected(
        s3_error("InvalidBucketAclWithObjectOwnership", 400,
                 "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"));
  auto done = co_await change<s::PutBucketOwnershipControlsOutput>(
      deps, input, [ownership](objects::Bucket& changed) { changed.ownership = ownership; });
  co_return done;
}

Answer<s::GetBucketOwnershipControlsOutput> get_ownership(
    const Deps& deps, const Context&, s::GetBucketOwnershipControlsRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  if ((*bucket)->ownership.empty())
    co_return std::unexpected(s3_error("OwnershipControlsNotFoundError", 404,
                                       "The bucket ownership controls were not found",
                                       {{"BucketName", (*bucket)->name}}));
  s::GetBucketOwnershipControlsOutput output;
  output.ownership_controls.emplace().rules.emplace().push_back(
      {.object_ownership = (*bucket)->ownership});
  co_return output;
}

void register_policy(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::PutBucketPolicy>(
      on_bucket<s::PutBucketPolicyRequest>(deps, "s3:PutBucketPolicy"),
      [&deps](const Context& c, auto in) { return put_policy(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketPolicy>(
      on_bucket<s::GetBucketPolicyRequest>(deps, "s3:GetBucketPolicy"),
      [&deps](const Context& c, auto in) { return get_policy(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketPolicyStatus>(
      on_bucket<s::GetBucketPolicyStatusRequest>(deps, "s3:GetBucketPolicyStatus"),
      [&deps](const Context& c, auto in) { return get_policy_status(deps, c, std::move(in)); });
  registry.add<s::op::DeleteBucketPolicy>(
      on_bucket<s::DeleteBucketPolicyRequest>(deps, "s3:DeleteBucketPolicy"),
      [&deps](const Context&, auto in) {
        return change<s::DeleteBucketPolicyOutput>(
            deps, std::move(in), [](objects::Bucket& bucket) { bucket.policy.clear(); });
      });
}

}  // namespace

void register_policies(wire::Registry& registry, const Deps& deps) {
  register_policy(registry, deps);
  registry.add<s::op::PutPublicAccessBlock>(
      on_bucket<s::PutPublicAccessBlockRequest>(deps, "s3:PutBucketPublicAccessBlock"),
      [&deps](const Context& c, auto in) { return put_block(deps, c, std::move(in)); });
  registry.add<s::op::GetPublicAccessBlock>(
      on_bucket<s::GetPublicAccessBlockRequest>(deps, "s3:GetBucketPublicAccessBlock"),
      [&deps](const Context& c, auto in) { return get_block(deps, c, std::move(in)); });
  registry.add<s::op::DeletePublicAccessBlock>(
      on_bucket<s::DeletePublicAccessBlockRequest>(deps, "s3:PutBucketPublicAccessBlock"),
      [&deps](const Context&, auto in) {
        return change<s::DeletePublicAccessBlockOutput>(
            deps, std::move(in), [](objects::Bucket& bucket) { bucket.public_access.reset(); });
      });
  registry.add<s::op::PutBucketOwnershipControls>(
      on_bucket<s::PutBucketOwnershipControlsRequest>(deps, "s3:PutBucketOwnershipControls"),
      [&deps](const Context& c, auto in) { return put_ownership(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketOwnershipControls>(
      on_bucket<s::GetBucketOwnershipControlsRequest>(deps, "s3:GetBucketOwnershipControls"),
      [&deps](const Context& c, auto in) { return get_ownership(deps, c, std::move(in)); });
  registry.add<s::op::DeleteBucketOwnershipControls>(
      on_bucket<s::DeleteBucketOwnershipControlsRequest>(deps, "s3:PutBucketOwnershipControls"),
      [&deps](const Context&, auto in) {
        return change<s::DeleteBucketOwnershipControlsOutput>(
            deps, std::move(in), [](objects::Bucket& bucket) { bucket.ownership.clear(); });
      });
}

}  // namespace services::s3
