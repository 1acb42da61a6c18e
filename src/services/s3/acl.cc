#include "services/s3/acl.h"

#include <algorithm>
#include <array>

namespace services::s3 {
namespace {

using objects::Acl;
using objects::Grant;
using objects::Permission;

constexpr std::size_t kGrantsMax = 100;

struct PermissionName {
  Permission permission;
  std::string_view name;
};
constexpr std::array kPermissions = {PermissionName{Permission::kRead, "READ"},
                                     PermissionName{Permission::kWrite, "WRITE"},
                                     PermissionName{Permission::kReadAcp, "READ_ACP"},
                                     PermissionName{Permission::kWriteAcp, "WRITE_ACP"},
                                     PermissionName{Permission::kFullControl, "FULL_CONTROL"}};

api::Error malformed_acl() {
  return s3_error("MalformedACLError", 400,
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema");
}

Grant to_group(std::string_view uri, Permission permission) {
  return {.group = true, .grantee = std::string(uri), .permission = permission};
}

api::Outcome<Acl> canned_acl(const std::string& name, const std::string& owner) {
  Acl acl;
  acl.grants.push_back({.grantee = canonical_id(owner), .permission = Permission::kFullControl});
  const bool owner_only = name == "private" || name == "bucket-owner-read" ||
                          name == "bucket-owner-full-control" || name == "aws-exec-read";
  if (owner_only) return acl;
  if (name == "public-read" || name == "public-read-write")
    acl.grants.push_back(to_group(kAllUsers, Permission::kRead));
  if (name == "public-read-write") acl.grants.push_back(to_group(kAllUsers, Permission::kWrite));
  if (name == "authenticated-read")
    acl.grants.push_back(to_group(kAuthenticatedUsers, Permission::kRead));
  if (name == "log-delivery-write") {
    acl.grants.push_back(to_group(kLogDelivery, Permission::kWrite));
    acl.grants.push_back(to_group(kLogDelivery, Permission::kReadAcp));
  }
  if (acl.grants.size() == 1) return std::unexpected(invalid_argument("", "x-amz-acl", name));
  return acl;
}

api::Outcome<Grant> make_grant(std::string_view kind, std::string value, Permission permission,
                               std::string_view header) {
  if (kind == "uri") {
    if (value != kAllUsers && value != kAuthenticatedUsers && value != kLogDelivery)
      return std::unexpected(invalid_argument("Invalid group uri", "uri", value));
    return to_group(value, permission);
  }
  if (kind == "id") {
    const bool id =
        value.size() == 64 && value.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!id) return std::unexpected(invalid_argument("Invalid id", "id", value));
    return Grant{.grantee = std::move(value), .permission = permission};
  }
  if (kind == "emailAddress")
    return std::unexpected(
        s3_error("UnresolvableGrantByEmailAddress", 400,
                 "The e-mail address you provided does not match any account on record."));
  return std::unexpected(invalid_argument("Argument format not recognized", std::string(header),
                                          std::string(kind) + "=\"" + value + "\""));
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// id="...", uri="...", with or without the quotes.
api::Outcome<void> add_header_grants(Acl& acl, const std::optional<std::string>& header,
                                     Permission permission, std::string_view name) {
  if (!header) return {};
  std::string_view rest = *header;
  while (!rest.empty() && acl.grants.size() < kGrantsMax) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos)
      return std::unexpected(
          invalid_argument("Argument format not recognized", std::string(name), std::string(item)));
    auto grant = make_grant(trim(item.substr(0, equals)), unquoted(trim(item.substr(equals + 1))),
                            permission, name);
    if (!grant) return std::unexpected(grant.error());
    acl.grants.push_back(*std::move(grant));
  }
  return {};
}

std::optional<Permission> permission_of(const std::optional<std::string>& name) {
  const auto found = std::ranges::find_if(
      kPermissions, [&](const PermissionName& each) { return name && each.name == *name; });
  if (found == kPermissions.end()) return std::nullopt;
  return found->permission;
}

}  // namespace

api::Outcome<Acl> parse_acl(const AclHeaders& headers, const std::string& owner_account) {
  if (headers.canned && headers.has_grants())
    return std::unexpected(s3_error(
        "InvalidRequest", 400, "Specifying both Canned ACLs and Header Grants is not allowed"));
  if (!headers.has_grants()) return canned_acl(headers.canned.value_or("private"), owner_account);
  Acl acl;
  RETURN_IF_ERROR(add_header_grants(acl, headers.full_control, Permission::kFullControl,
                                    "x-amz-grant-full-control"));
  RETURN_IF_ERROR(add_header_grants(acl, headers.read, Permission::kRead, "x-amz-grant-read"));
  RETURN_IF_ERROR(
      add_header_grants(acl, headers.read_acp, Permission::kReadAcp, "x-amz-grant-read-acp"));
  RETURN_IF_ERROR(add_header_grants(acl, headers.write, Permission::kWrite, "x-amz-grant-write"));
  RETURN_IF_ERROR(
      add_header_grants(acl, headers.write_acp, Permission::kWriteAcp, "x-amz-grant-write-acp"));
  return acl;
}

api::Outcome<Acl> parse_acl(const api::s3::AccessControlPolicy& policy,
                            const std::string& owner_account) {
  if (!policy.owner || !policy.owner->id || !policy.grants) return std::unexpected(malformed_acl());
  if (*policy.owner->id != canonical_id(owner_account)) return std::unexpected(access_denied());
  if (policy.grants->size() > kGrantsMax) return std::unexpected(malformed_acl());
  Acl acl;
  for (const api::s3::Grant& given : *policy.grants) {
    const auto permission = permission_of(given.permission);
    if (!permission || !given.grantee) return std::unexpected(malformed_acl());
    const api::s3::Grantee& to = *given.grantee;
    api::Outcome<Grant> grant = std::unexpected(malformed_acl());
    if (to.uri) grant = make_grant("uri", *to.uri, *permission, "");
    else if (to.id) grant = make_grant("id", *to.id, *permission, "");
    else if (to.email_address)
      grant = make_grant("emailAddress", *to.email_address, *permission, "");
    if (!grant) return std::unexpected(grant.error());
    acl.grants.push_back(*std::move(grant));
  }
  return acl;
}

bool is_public(const Acl& acl) {
  return std::ranges::any_of(acl.grants, [](const Grant& grant) {
    return grant.group && (grant.grantee == kAllUsers || grant.grantee == kAuthenticatedUsers);
  });
}

api::Outcome<void> check_acl_allowed(const objects::Bucket& bucket, const AclHeaders& headers,
                                     const Acl& acl) {
  const bool owners = headers.canned == "bucket-owner-full-control";
  if (bucket.ownership == kOwnerEnforced && !owners)
    return std::unexpected(
        s3_error("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"));
  if (bucket.public_access && bucket.public_access->block_public_acls && is_public(acl))
    return std::unexpected(access_denied());
  return {};
}

api::s3::Owner owner_of(const std::string& account_id) {
  return {.display_name = {}, .id = canonical_id(account_id)};
}

std::vector<api::s3::Grant> grants_of(const Acl& acl) {
  std::vector<api::s3::Grant> grants;
  for (const Grant& grant : acl.grants) {
    api::s3::Grantee grantee;
    grantee.type = grant.group ? "Group" : "CanonicalUser";
    (grant.group ? grantee.uri : grantee.id) = grant.grantee;
    const auto name =
        std::ranges::find(kPermissions, grant.permission, &PermissionName::permission)->name;
    grants.push_back({.grantee = std::move(grantee), .permission = std::string(name)});
  }
  return grants;
}

}  // namespace services::s3
