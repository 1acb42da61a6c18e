#pragma once

// What the families of S3 operations share: errors in S3's words, and the bucket a request means.
// Pure functions, thread-safe.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/error.h"
#include "services/s3/s3.h"

namespace services::s3 {

template <class T>
using Answer = async::Task<api::Outcome<T>>;
using wire::Context;

using Members = std::vector<std::pair<std::string, std::string>>;
api::Error s3_error(std::string code, int status, std::string message, Members members = {});

api::Error no_such_bucket(const std::string& name);
api::Error no_such_key(const std::string& key);
api::Error no_such_upload(const std::string& id);
api::Error precondition_failed(std::string condition);
api::Error access_denied();
api::Error malformed_xml();
api::Error invalid_argument(std::string message, std::string name, std::string value);
api::Error not_implemented(std::string header, std::string more = {});
// What the domain refused, for requests about an object.
api::Error to_api_error(const base::Error& error, const std::string& bucket,
                        const std::string& key);

// The bucket named, which must belong to whom the request expects.
api::Outcome<objects::BucketPtr> find_bucket(const Deps& deps, const std::string& name,
                                             const std::optional<std::string>& expected_owner);
template <class Input>
api::Outcome<objects::BucketPtr> bucket_of(const Deps& deps, const Input& input) {
  std::optional<std::string> expected;
  if constexpr (requires { input.expected_bucket_owner; }) expected = input.expected_bucket_owner;
  return find_bucket(deps, input.bucket.value_or(""), expected);
}

std::string quoted(const std::string& etag);
std::string unquoted(std::string_view etag);
// An account's canonical user id: 64 hex digits.
std::string canonical_id(std::string_view account_id);

// "null" is the only version there is.
api::Outcome<void> check_version(const std::optional<std::string>& version_id);

// Refuses what would need keys that only a key service has.
template <class Input>
api::Outcome<void> check_encryption(const Input& input) {
  if constexpr (requires { input.sse_customer_algorithm; })
    if (input.sse_customer_algorithm || input.sse_customer_key)
      return std::unexpected(not_implemented("x-amz-server-side-encryption-customer-algorithm"));
  if constexpr (requires { input.server_side_encryption; })
    if (input.server_side_encryption && *input.server_side_encryption != "AES256")
      return std::unexpected(not_implemented("x-amz-server-side-encryption"));
  return {};
}

inline constexpr std::string_view kEncryption = "AES256";

}  // namespace services::s3
