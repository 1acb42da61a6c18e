#pragma once

// Policy evaluation: may this principal do this to that? Pure functions over parsed documents,
// thread-safe. The order is AWS's: an explicit deny anywhere wins; then something must allow, and
// boundary and session policies must allow too; across accounts both sides must.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "auth/context.h"
#include "auth/policy.h"
#include "auth/principal.h"

namespace auth {

using PolicyList = std::span<const std::shared_ptr<const PolicyDocument>>;

struct AccessRequest {
  const Principal* principal = nullptr;
  std::string_view action;    // "kinesis:PutRecord"
  std::string_view resource;  // an ARN, or "*" where the action has no resource
  // The account that owns the resource; empty: the principal's own.
  std::string_view resource_account = {};
  const Context* context = nullptr;  // may be null while no policy needs_context
};

struct PolicySet {
  PolicyList identity = {};
  const PolicyDocument* boundary = nullptr;
  PolicyList session;                 // what was passed when the session was made
  bool has_session_policies = false;  // an empty list with true allows nothing
  const PolicyDocument* resource = nullptr;
  // Trust and key policies: identity policies alone are never enough.
  bool resource_must_allow = false;
};

enum class Verdict { kAllow, kExplicitDeny, kImplicitDeny };
enum class PolicyLayer { kNone, kIdentity, kResource, kBoundary, kSession };

struct Decision {
  Verdict verdict = Verdict::kImplicitDeny;
  // Which layer denied, or lacked the allowance; kNone with kAllow.
  PolicyLayer layer = PolicyLayer::kIdentity;

  bool allowed() const { return verdict == Verdict::kAllow; }
};

Decision evaluate(const AccessRequest& request, const PolicySet& policies);

// True when evaluating these may look at the context.
bool needs_context(const PolicySet& policies);

}  // namespace auth
