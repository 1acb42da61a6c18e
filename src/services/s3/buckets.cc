// Making, finding and removing buckets.
#include <algorithm>

#include "api/s3/operations.h"
#include "services/s3/access.h"
#include "services/s3/acl.h"
#include "wire/validate.h"

namespace services::s3 {
namespace {

namespace s = api::s3;

constexpr std::string_view kDefaultRegion = "us-east-1";
constexpr std::int32_t kBucketsPage = 10'000;
// AWS's default quota for an account.
constexpr std::size_t kBucketsMax = 10'000;

// 3 to 63 of a-z 0-9 . -, labels that start and end with a letter or digit, no IP address.
bool is_valid_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!plain(name.front()) || !plain(name.back())) return false;
  const bool characters =
      std::ranges::all_of(name, [&](char c) { return plain(c) || c == '-' || c == '.'; });
  if (!characters || name.find("..") != std::string_view::npos) return false;
  if (name.starts_with("xn--") || name.ends_with("-s3alias")) return false;
  const bool address = std::ranges::count(name, '.') == 3 &&
                       name.find_first_not_of("0123456789.") == std::string_view::npos;
  return !address;
}

// "us-west-2", "ap-southeast-1", "us-gov-west-1"
bool looks_like_region(std::string_view name) {
  return wire::matches_pattern("[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}", name).value_or(false);
}

api::Error illegal_location(const std::string& constraint) {
  return s3_error("IllegalLocationConstraintException", 400,
                  "The " + constraint +
                      " location constraint is incompatible for the region specific endpoint this "
                      "request was sent to.");
}

// The region that the new bucket gets: that of the request, which has to be named unless it is the
// first one. From there any region may be named.
api::Outcome<std::string> new_region(const Context& context, const s::CreateBucketRequest& input) {
  const auto& configuration = input.create_bucket_configuration;
  if (!configuration || !configuration->location_constraint ||
      configuration->location_constraint->empty()) {
    if (context.region != kDefaultRegion) return std::unexpected(illegal_location("unspecified"));
    return std::string(kDefaultRegion);
  }
  std::string wanted = *configuration->location_constraint;
  if (wanted == "EU") wanted = "eu-west-1";
  const bool valid = looks_like_region(wanted) && wanted != kDefaultRegion;
  if (!valid)
    return std::unexpected(s3_error("InvalidLocationConstraint", 400,
                                    "The specified location-constraint is not valid",
                                    {{"LocationConstraint", wanted}}));
  if (context.region != kDefaultRegion && wanted != context.region)
    return std::unexpected(illegal_location(wanted));
  return wanted;
}

api::Outcome<wire::Checks> create_permission(const Context&, const s::CreateBucketRequest& input) {
  const std::string arn = bucket_arn(input.bucket.value_or(""));
  Keys keys;
  const bool acl = add_acl_keys(keys, input);
  const bool ownership = input.object_ownership.has_value();
  add_key(keys, "s3:x-amz-object-ownership", input.object_ownership);
  if (input.create_bucket_configuration)
    add_key(keys, "s3:LocationConstraint", input.create_bucket_configuration->location_constraint);
  wire::Checks checks{{.action = "s3:CreateBucket", .resource = arn, .context = keys}};
  if (acl) checks.push_back({.action = "s3:PutBucketAcl", .resource = arn, .context = keys});
  if (ownership)
    checks.push_back({.action = "s3:PutBucketOwnershipControls", .resource = arn, .context = keys});
  return checks;
}

api::Outcome<void> check_ownership(const std::optional<std::string>& ownership) {
  if (!ownership || *ownership == "BucketOwnerEnforced" || *ownership == "BucketOwnerPreferred" ||
      *ownership == "ObjectWriter")
    return {};
  return std::unexpected(s3_error("InvalidArgument", 400,
                                  "Invalid x-amz-object-ownership header: " + *ownership,
                                  {{"ArgumentName", "x-amz-object-ownership"}}));
}

api::Outcome<objects::Bucket> new_bucket(const Context& context,
                                         const s::CreateBucketRequest& input) {
  objects::Bucket bucket;
  bucket.name = input.bucket.value_or("");
  bucket.account_id = context.account_id;
  if (!is_valid_name(bucket.name))
    return std::unexpected(s3_error("InvalidBucketName", 400, "The specified bucket is not valid.",
                                    {{"BucketName", bucket.name}}));
  ASSIGN_OR_RETURN(bucket.region, new_region(context, input));
  if (input.object_lock_enabled_for_bucket.value_or(false))
    return std::unexpected(not_implemented("x-amz-bucket-object-lock-enabled"));
  RETURN_IF_ERROR(check_ownership(input.object_ownership));
  bucket.ownership = input.object_ownership.value_or("");
  ASSIGN_OR_RETURN(bucket.acl, parse_acl(acl_headers(input), bucket.account_id));
  if (input.acl && *input.acl != "private")
    RETURN_IF_ERROR(check_acl_allowed(bucket, acl_headers(input), bucket.acl));
  if (input.create_bucket_configuration && input.create_bucket_configuration->tags)
    for (const s::Tag& tag : *input.create_bucket_configuration->tags)
      bucket.tags[tag.key.value_or("")] = tag.value.value_or("");
  return bucket;
}

api::Error exists_already(const objects::Bucket& bucket, const Context& context) {
  if (bucket.account_id == context.account_id)
    return s3_error("BucketAlreadyOwnedByYou", 409,
                    "Your previous request to create the named bucket succeeded and you already "
                    "own it.",
                    {{"BucketName", bucket.name}});
  return s3_error("BucketAlreadyExists", 409,
                  "The requested bucket name is not available. The bucket namespace is shared by "
                  "all users of the system. Please select a different name and try again.",
                  {{"BucketName", bucket.name}});
}

Answer<s::CreateBucketOutput> create(const Deps& deps, const Context& context,
                                     s::CreateBucketRequest input) {
  if (context.principal->kind == auth::PrincipalKind::kAnonymous)
    co_return std::unexpected(access_denied());
  auto bucket = new_bucket(context, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  s::CreateBucketOutput output;
  output.location = "/" + bucket->name;
  output.bucket_arn = bucket_arn(bucket->name);
  if (const auto there = deps.objects.find_bucket(bucket->name)) {
    // In the first region, making one's own bucket again succeeds and changes nothing.
    const bool again = there->account_id == context.account_id &&
                       context.region == kDefaultRegion && there->region == kDefaultRegion;
    if (again) co_return output;
    co_return std::unexpected(exists_already(*there, context));
  }
  if (deps.objects.list_buckets(context.account_id).size() >= kBucketsMax)
    co_return std::unexpected(
        s3_error("TooManyBuckets", 400, "You have attempted to create more buckets than allowed"));
  const std::string name = bucket->name;
  const auto made = co_await deps.objects.create_bucket(*std::move(bucket));
  if (made) co_return output;
  const auto there = deps.objects.find_bucket(name);
  if (made.error().code == base::ErrorCode::kAlreadyExists && there)
    co_return std::unexpected(exists_already(*there, context));
  co_return std::unexpected(to_api_error(made.error(), name, ""));
}

Answer<s::DeleteBucketOutput> remove(const Deps& deps, const Context&,
                                     s::DeleteBucketRequest input) {
  const std::string name = input.bucket.value_or("");
  const auto removed = co_await deps.objects.remove_bucket(name);
  if (removed) co_return s::DeleteBucketOutput();
  if (removed.error().code == base::ErrorCode::kConflict)
    co_return std::unexpected(s3_error("BucketNotEmpty", 409,
                                       "The bucket you tried to delete is not empty",
                                       {{"BucketName", name}}));
  co_return std::unexpected(to_api_error(removed.error(), name, ""));
}

Answer<s::HeadBucketOutput> head(const Deps& deps, const Context&, s::HeadBucketRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  s::HeadBucketOutput output;
  output.bucket_region = (*bucket)->region;
  output.access_point_alias = false;
  output.bucket_arn = bucket_arn((*bucket)->name);
  co_return output;
}

Answer<s::GetBucketLocationOutput> location(const Deps& deps, const Context&,
                                            s::GetBucketLocationRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  s::GetBucketLocationOutput output;
  // The first region has no name here.
  if ((*bucket)->region != kDefaultRegion) output.location_constraint = (*bucket)->region;
  co_return output;
}

Answer<s::ListBucketsOutput> list(const Deps& deps, const Context& context,
                                  s::ListBucketsRequest input) {
  const std::int32_t limit = input.max_buckets.value_or(kBucketsPage);
  if (limit < 1 || limit > kBucketsPage)
    co_return std::unexpected(
        invalid_argument("Argument max-buckets must be an integer between 1 and 10000",
                         "max-buckets", std::to_string(limit)));
  if (input.bucket_region && !looks_like_region(*input.bucket_region))
    co_return std::unexpected(
        s3_error("InvalidArgument", 400,
                 "Argument value " + *input.bucket_region + " is not a valid AWS Region",
                 {{"ArgumentName", "bucket-region"}}));
  s::ListBucketsOutput output;
  output.owner = s::Owner{.display_name = {}, .id = canonical_id(context.account_id)};
  output.prefix = input.prefix;
  auto& buckets = output.buckets.emplace();
  for (const auto& bucket : deps.objects.list_buckets(context.account_id)) {
    if (input.prefix && !bucket->name.starts_with(*input.prefix)) continue;
    if (input.bucket_region && bucket->region != *input.bucket_region) continue;
    if (input.continuation_token && bucket->name <= *input.continuation_token) continue;
    if (buckets.size() == static_cast<std::size_t>(limit)) {
      output.continuation_token = buckets.back().name;
      break;
    }
    s::Bucket shown{.name = bucket->name, .creation_date = bucket->created};
    shown.bucket_arn = bucket_arn(bucket->name);
    // Said only to those who ask page by page.
    const bool paged = input.max_buckets || input.bucket_region || input.prefix;
    if (paged) shown.bucket_region = bucket->region;
    buckets.push_back(std::move(shown));
  }
  co_return output;
}

}  // namespace

void register_buckets(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::CreateBucket>(create_permission, [&deps](const Context& context, auto in) {
    return create(deps, context, std::move(in));
  });
  registry.add<s::op::DeleteBucket>(
      on_bucket<s::DeleteBucketRequest>(deps, "s3:DeleteBucket"),
      [&deps](const Context& context, auto in) { return remove(deps, context, std::move(in)); });
  registry.add<s::op::HeadBucket>(
      on_bucket<s::HeadBucketRequest>(deps, "s3:ListBucket"),
      [&deps](const Context& context, auto in) { return head(deps, context, std::move(in)); });
  registry.add<s::op::GetBucketLocation>(
      on_bucket<s::GetBucketLocationRequest>(deps, "s3:GetBucketLocation"),
      [&deps](const Context& context, auto in) { return location(deps, context, std::move(in)); });
  registry.add<s::op::ListBuckets>(
      [](const Context&, const s::ListBucketsRequest&) {
        return wire::Checks{{.action = "s3:ListAllMyBuckets", .resource = "*", .context = {}}};
      },
      [&deps](const Context& context, auto in) { return list(deps, context, std::move(in)); });
}

}  // namespace services::s3
