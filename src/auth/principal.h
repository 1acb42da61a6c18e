#pragma once

// Principal: who makes a request, as a plain value. Made by identity when a key or a session is
// issued, read everywhere. Every field is filled by whoever makes it; nothing here looks anything
// up. Immutable once published inside a Credential, so free to read from any core.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace auth {

enum class PrincipalKind {
  kAnonymous,    // no signature: only a resource policy can allow it anything
  kRoot,         // the account itself
  kUser,         // an IAM user
  kAssumedRole,  // a session of a role
  kFederated,    // a session made by GetFederationToken
  kService,      // an AWS service acting for itself: "lambda.amazonaws.com"
};

struct Tag {
  std::string key;
  std::string value;
  bool operator==(const Tag&) const = default;
};

struct PolicyDocument;
// The policies that were passed when a session was made; they cut down what its role allows.
using SessionPolicies = std::vector<std::shared_ptr<const PolicyDocument>>;

struct Principal {
  PrincipalKind kind = PrincipalKind::kAnonymous;
  std::string account_id;  // 12 digits; empty for anonymous and service principals
  // kRoot arn:aws:iam::A:root, kUser arn:aws:iam::A:user/path/name,
  // kAssumedRole arn:aws:sts::A:assumed-role/role/session, kFederated
  // arn:aws:sts::A:federated-user/n
  std::string arn;
  std::string user_id;    // A | AIDA... | AROA...:session | A:name : what aws:userid shows
  std::string user_name;  // kUser and kFederated
  std::string path = "/";
  std::string access_key_id;

  std::string role_arn;   // kAssumedRole: arn:aws:iam::A:role/path/name
  std::string role_name;  // kAssumedRole
  std::string session_name;
  std::string source_identity;
  std::string identity_provider;  // the web identity or SAML provider that vouched, if one did

  std::vector<Tag> tags;  // principal tags; for a session, its own tags over the role's
  std::optional<base::Timestamp> session_issued;            // sessions only
  std::optional<base::Timestamp> session_expires;           // sessions only
  std::shared_ptr<const SessionPolicies> session_policies;  // null: none were passed
  bool mfa = false;

  std::string service;     // kService: its name
  std::string invoked_by;  // a service that passes this caller's request on: "cloudformation..."

  bool is_session() const {
    return kind == PrincipalKind::kAssumedRole || kind == PrincipalKind::kFederated;
  }
};

// ARNs of identities. `path` starts and ends with '/'.
std::string root_arn(std::string_view account);
std::string user_arn(std::string_view account, std::string_view path, std::string_view name);
std::string group_arn(std::string_view account, std::string_view path, std::string_view name);
std::string role_arn(std::string_view account, std::string_view path, std::string_view name);
std::string policy_arn(std::string_view account, std::string_view path, std::string_view name);
// A role's path is not part of its sessions' names.
std::string assumed_role_arn(std::string_view account, std::string_view role_name,
                             std::string_view session_name);
std::string federated_user_arn(std::string_view account, std::string_view name);

// Principals ready made, for identity and for tests.
Principal anonymous_principal();
Principal root_principal(std::string_view account);
Principal user_principal(std::string_view account, std::string_view path, std::string_view name,
                         std::string_view user_id);
Principal role_session_principal(std::string_view account, std::string_view role_path,
                                 std::string_view role_name, std::string_view role_id,
                                 std::string_view session_name);
Principal service_principal(std::string_view service);

// The colon-separated parts of an ARN; views into it. `resource` keeps its own colons.
struct ArnParts {
  std::string_view partition, service, region, account, resource;
};
std::optional<ArnParts> parse_arn(std::string_view arn);

}  // namespace auth
