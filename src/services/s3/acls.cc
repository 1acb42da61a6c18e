// ACLs of buckets and objects.
#include "api/s3/operations.h"
#include "services/s3/access.h"
#include "services/s3/acl.h"

namespace services::s3 {
namespace {

namespace s = api::s3;

// From headers or body, as the request has it, and allowed in the bucket.
template <class Input>
api::Outcome<objects::Acl> wanted_acl(const objects::Bucket& bucket, const Input& input) {
  const AclHeaders headers = acl_headers(input);
  if (headers.given() && input.access_control_policy)
    return std::unexpected(
        s3_error("UnexpectedContent", 400, "This request does not support content"));
  if (!headers.given() && !input.access_control_policy)
    return std::unexpected(s3_error("MissingSecurityHeader", 400,
                                    "Your request was missing a required header",
                                    {{"MissingHeaderName", "x-amz-acl"}}));
  auto acl = headers.given() ? parse_acl(headers, bucket.account_id)
                             : parse_acl(*input.access_control_policy, bucket.account_id);
  if (!acl) return acl;
  RETURN_IF_ERROR(check_acl_allowed(bucket, headers, *acl));
  return acl;
}

Answer<s::PutBucketAclOutput> put_bucket_acl(const Deps& deps, const Context&,
                                             s::PutBucketAclRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const auto acl = wanted_acl(**bucket, input);
  if (!acl) co_return std::unexpected(acl.error());
  const auto set = [acl = *acl](objects::Bucket& changed) -> base::Status {
    changed.acl = acl;
    return {};
  };
  const auto done = co_await deps.objects.update_bucket((*bucket)->name, set);
  if (!done) co_return std::unexpected(to_api_error(done.error(), (*bucket)->name, ""));
  co_return s::PutBucketAclOutput();
}

Answer<s::GetBucketAclOutput> get_bucket_acl(const Deps& deps, const Context&,
                                             s::GetBucketAclRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  s::GetBucketAclOutput output;
  output.owner = owner_of((*bucket)->account_id);
  output.grants = grants_of((*bucket)->acl);
  co_return output;
}

Answer<s::PutObjectAclOutput> put_object_acl(const Deps& deps, const Context&,
                                             s::PutObjectAclRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const auto version = check_version(input.version_id);
  if (!version) co_return std::unexpected(version.error());
  const auto acl = wanted_acl(**bucket, input);
  if (!acl) co_return std::unexpected(acl.error());
  const auto set = [acl = *acl](objects::Settings& settings) { settings.acl = acl; };
  const auto done = co_await deps.objects.update((*bucket)->name, *input.key, set);
  if (!done) co_return std::unexpected(to_api_error(done.error(), (*bucket)->name, *input.key));
  co_return s::PutObjectAclOutput();
}

Answer<s::GetObjectAclOutput> get_object_acl(const Deps& deps, const Context&,
                                             s::GetObjectAclRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const auto version = check_version(input.version_id);
  if (!version) co_return std::unexpected(version.error());
  const auto object = co_await deps.objects.find((*bucket)->name, *input.key);
  if (!object) co_return std::unexpected(to_api_error(object.error(), (*bucket)->name, *input.key));
  s::GetObjectAclOutput output;
  output.owner = owner_of((*bucket)->account_id);
  output.grants = grants_of(object->settings.acl);
  co_return output;
}

}  // namespace

void register_acls(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::PutBucketAcl>(
      [&deps](const Context& context,
              const s::PutBucketAclRequest& input) -> api::Outcome<wire::Checks> {
        const auto bucket = bucket_of(deps, input);
        if (!bucket) return std::unexpected(bucket.error());
        Keys keys;
        add_acl_keys(keys, input);
        return wire::Checks{bucket_check(context, "s3:PutBucketAcl", **bucket, keys)};
      },
      [&deps](const Context& c, auto in) { return put_bucket_acl(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketAcl>(
      on_bucket<s::GetBucketAclRequest>(deps, "s3:GetBucketAcl"),
      [&deps](const Context& c, auto in) { return get_bucket_acl(deps, c, std::move(in)); });
  registry.add<s::op::PutObjectAcl>(
      on_object<s::PutObjectAclRequest>(deps, "s3:PutObjectAcl"),
      [&deps](const Context& c, auto in) { return put_object_acl(deps, c, std::move(in)); });
  registry.add<s::op::GetObjectAcl>(
      on_object<s::GetObjectAclRequest>(deps, "s3:GetObjectAcl"),
      [&deps](const Context& c, auto in) { return get_object_acl(deps, c, std::move(in)); });
}

}  // namespace services::s3
