#pragma once

// ACLs: canned names, grant headers and XML bodies into objects::Acl and back. Pure, thread-safe.

#include "api/s3/types.h"
#include "services/s3/common.h"

namespace services::s3 {

inline constexpr std::string_view kAllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";
inline constexpr std::string_view kAuthenticatedUsers =
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
inline constexpr std::string_view kLogDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";
// Object ownership under which ACLs neither count nor can be set.
inline constexpr std::string_view kOwnerEnforced = "BucketOwnerEnforced";

// What a request says about the ACL in its headers.
struct AclHeaders {
  std::optional<std::string> canned;
  std::optional<std::string> full_control, read, read_acp, write, write_acp;

  bool has_grants() const { return full_control || read || read_acp || write || write_acp; }
  bool given() const { return canned || has_grants(); }
};
template <class Input>
AclHeaders acl_headers(const Input& input) {
  AclHeaders headers{.canned = input.acl,
                     .full_control = input.grant_full_control,
                     .read = input.grant_read,
                     .read_acp = input.grant_read_acp,
                     .write = {},
                     .write_acp = input.grant_write_acp};
  if constexpr (requires { input.grant_write; }) headers.write = input.grant_write;
  return headers;
}

// Nothing said: private.
api::Outcome<objects::Acl> parse_acl(const AclHeaders& headers, const std::string& owner_account);
api::Outcome<objects::Acl> parse_acl(const api::s3::AccessControlPolicy& policy,
                                     const std::string& owner_account);
bool is_public(const objects::Acl& acl);
// May this ACL be set in this bucket?
api::Outcome<void> check_acl_allowed(const objects::Bucket& bucket, const AclHeaders& headers,
                                     const objects::Acl& acl);

api::s3::Owner owner_of(const std::string& account_id);
std::vector<api::s3::Grant> grants_of(const objects::Acl& acl);

}  // namespace services::s3
