#pragma once

// What S3 operations ask permission for. A bucket's policy and the ACLs of bucket and object are
// merged into one resource policy for the check at hand, so ACL grants are evaluated like any other
// allowance and a Deny anywhere still wins. Thread-safe.
//
// A missing key is told (404) only to those who may list the bucket; others are refused (403).

#include "services/s3/common.h"

namespace services::s3 {

using Keys = std::vector<auth::ContextEntry>;

std::string bucket_arn(const std::string& bucket);
std::string object_arn(const std::string& bucket, const std::string& key);

auth::Check bucket_check(const Context& context, std::string action, const objects::Bucket& bucket,
                         Keys keys = {});
// `acl`: the object's, nullptr where there is none yet.
auth::Check object_check(const Context& context, std::string action, const objects::Bucket& bucket,
                         const std::string& key, const objects::Acl* acl = nullptr, Keys keys = {});

async::Task<api::Outcome<wire::Checks>> refused(api::Error error);
// For reading an object that may not be there.
async::Task<api::Outcome<wire::Checks>> read_checks(const Deps& deps, const Context& context,
                                                    objects::BucketPtr bucket, std::string key,
                                                    std::vector<std::string> actions);

void add_key(Keys& keys, std::string name, const std::optional<std::string>& value);
// s3:x-amz-acl and s3:x-amz-grant-...; true if the request sets an ACL at all.
template <class Input>
bool add_acl_keys(Keys& keys, const Input& input) {
  add_key(keys, "s3:x-amz-acl", input.acl);
  add_key(keys, "s3:x-amz-grant-full-control", input.grant_full_control);
  add_key(keys, "s3:x-amz-grant-read", input.grant_read);
  add_key(keys, "s3:x-amz-grant-read-acp", input.grant_read_acp);
  add_key(keys, "s3:x-amz-grant-write-acp", input.grant_write_acp);
  if constexpr (requires { input.grant_write; })
    add_key(keys, "s3:x-amz-grant-write", input.grant_write);
  return !keys.empty();
}

// "s3:X" on the bucket that the input names.
template <class Input>
auto on_bucket(const Deps& deps, std::string action) {
  return [&deps, action = std::move(action)](const Context& context,
                                             const Input& input) -> api::Outcome<wire::Checks> {
    const auto bucket = bucket_of(deps, input);
    if (!bucket) return std::unexpected(bucket.error());
    return wire::Checks{bucket_check(context, action, **bucket)};
  };
}

// "s3:X" on the object, present or not.
template <class Input>
auto on_object(const Deps& deps, std::string action) {
  return
      [&deps, action = std::move(action)](
          const Context& context, const Input& input) -> async::Task<api::Outcome<wire::Checks>> {
        auto bucket = bucket_of(deps, input);
        if (!bucket) return refused(bucket.error());
        return read_checks(deps, context, *std::move(bucket), input.key.value_or(""), {action});
      };
}
}  // namespace services::s3
