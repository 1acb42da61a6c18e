#pragma once

// What auth asks of others; identity implements these. Both are called on every request, from any
// core: implementations read an immutable snapshot, never block and never throw.

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/policy.h"
#include "auth/principal.h"
#include "base/clock.h"

namespace auth {

// An access key that works, with whom it stands for. Immutable once published.
struct Credential {
  std::string secret_key;
  std::optional<base::Timestamp> expires;  // sessions; checked by the Authenticator
  Principal principal;
};

enum class CredentialFailure {
  kUnknownKey,    // no such key, or it is inactive or deleted
  kInvalidToken,  // a session's key without its token, or with another's
};

// Thread-safe.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // `session_token` is empty when the request carries none.
  virtual std::expected<std::shared_ptr<const Credential>, CredentialFailure> find(
      std::string_view access_key_id, std::string_view session_token) const = 0;
};

// Everything attached to one principal, parsed. Immutable once published.
struct PrincipalPolicies {
  // Inline and managed, the user's own and the groups', or the role's.
  std::vector<std::shared_ptr<const PolicyDocument>> identity;
  std::shared_ptr<const PolicyDocument> boundary;  // null: none
  std::vector<std::shared_ptr<const PolicyDocument>> session;
  bool has_session_policies = false;
};

// Thread-safe.
class PolicySource {
 public:
  virtual ~PolicySource() = default;
  // Null: the principal has no policies (root, anonymous, services) or exists no more.
  virtual std::shared_ptr<const PrincipalPolicies> policies_of(
      const Principal& principal) const = 0;
};

}  // namespace auth
