#include "auth/evaluate.h"

#include <algorithm>
#include <array>

#include "auth/condition.h"
#include "auth/pattern.h"

namespace auth {
namespace {

// How closely a resource policy names the principal. Later grants more by itself.
enum class Grant {
  kNone,
  kAccount,  // the account as a whole: leaves the decision to the account's own policies
  kRole,     // the role: its boundary and the session's policies still limit
  kDirect,   // this very principal: enough by itself
};

// The request in the form that matching wants.
struct Subject {
  const AccessRequest& request;
  std::string_view action;  // lower case
  const Context& context;
};

bool any_matches(const std::vector<Pattern>& patterns, std::string_view text,
                 const Context& context) {
  return std::ranges::any_of(patterns, [&](const Pattern& candidate) {
    if (!candidate.has_variables) return matches(candidate, text);
    const auto expanded = pattern::expand(candidate, context);
    return expanded && matches(*expanded, text);
  });
}

// Everything but the principal.
bool applies(const Statement& statement, const Subject& subject) {
  if (any_matches(statement.actions, subject.action, subject.context) == statement.not_action)
    return false;
  if (statement.has_resource && any_matches(statement.resources, subject.request.resource,
                                            subject.context) == statement.not_resource)
    return false;
  return std::ranges::all_of(statement.conditions, [&](const Condition& condition) {
    return condition::holds(condition, subject.context);
  });
}

bool is_root_of(std::string_view arn, std::string_view account) {
  constexpr std::string_view kStart = "arn:aws:iam::";
  constexpr std::string_view kEnd = ":root";
  return !account.empty() && arn.size() == kStart.size() + account.size() + kEnd.size() &&
         arn.starts_with(kStart) && arn.ends_with(kEnd) &&
         arn.substr(kStart.size(), account.size()) == account;
}

Grant grant_to_aws(std::string_view named, const Principal& who) {
  if (who.arn.empty() || named.empty()) return Grant::kNone;
  if (named == who.arn || named == who.user_id) return Grant::kDirect;
  if (is_root_of(named, who.account_id)) return Grant::kAccount;
  if (who.kind != PrincipalKind::kAssumedRole) return Grant::kNone;
  const std::string_view role_id = std::string_view(who.user_id).substr(0, who.user_id.find(':'));
  return named == who.role_arn || named == role_id ? Grant::kRole : Grant::kNone;
}

Grant grant_to(const PrincipalPattern& named, const Principal& who) {
  switch (named.type) {
    case PrincipalType::kAnyone: return who.is_session() ? Grant::kRole : Grant::kDirect;
    case PrincipalType::kAws: return grant_to_aws(named.value, who);
    case PrincipalType::kService:
      return who.kind == PrincipalKind::kService && named.value == who.service ? Grant::kDirect
                                                                               : Grant::kNone;
    case PrincipalType::kFederated:
      return !who.identity_provider.empty() && named.value == who.identity_provider ? Grant::kDirect
                                                                                    : Grant::kNone;
    case PrincipalType::kCanonicalUser: return Grant::kNone;  // no canonical ids here
  }
  return Grant::kNone;
}

Grant grant_of(const Statement& statement, const Principal& who) {
  Grant best = Grant::kNone;
  for (const PrincipalPattern& named : statement.principals)
    best = std::max(best, grant_to(named, who));
  if (!statement.not_principal) return best;
  // Naming the account in NotPrincipal spares its root, not everybody in it.
  if (best >= Grant::kRole) return Grant::kNone;
  return who.is_session() ? Grant::kRole : Grant::kDirect;
}

struct LayerAnswer {
  bool denies = false;
  bool allows = false;
};

void scan(const PolicyDocument& document, const Subject& subject, LayerAnswer& answer) {
  for (const Statement& statement : document.statements) {
    if (statement.allow && answer.allows) continue;
    if (!applies(statement, subject)) continue;
    (statement.allow ? answer.allows : answer.denies) = true;
    if (answer.denies) return;
  }
}

LayerAnswer ask(PolicyList documents, const Subject& subject) {
  LayerAnswer answer;
  for (const auto& document : documents) {
    if (document != nullptr) scan(*document, subject, answer);
    if (answer.denies) break;
  }
  return answer;
}

struct ResourceAnswer {
  bool denies = false;
  Grant grant = Grant::kNone;
};

ResourceAnswer ask_resource(const PolicyDocument* document, const Subject& subject) {
  ResourceAnswer answer;
  if (document == nullptr) return answer;
  for (const Statement& statement : document->statements) {
    const Grant grant = grant_of(statement, *subject.request.principal);
    if (grant == Grant::kNone || !applies(statement, subject)) continue;
    if (!statement.allow) {
      answer.denies = true;
      return answer;
    }
    answer.grant = std::max(answer.grant, grant);
  }
  return answer;
}

Decision allow() { return {Verdict::kAllow, PolicyLayer::kNone}; }
Decision deny(PolicyLayer layer) { return {Verdict::kExplicitDeny, layer}; }
Decision lacking(PolicyLayer layer) { return {Verdict::kImplicitDeny, layer}; }

// What the principal's own side says.
struct OwnSide {
  bool identity = false;
  bool boundary = true;
  bool session = true;

  bool limits_allow() const { return boundary && session; }
  Decision decide() const {
    if (!identity) return lacking(PolicyLayer::kIdentity);
    if (!session) return lacking(PolicyLayer::kSession);
    if (!boundary) return lacking(PolicyLayer::kBoundary);
    return allow();
  }
};

Decision combine(const AccessRequest& request, const PolicySet& policies, const OwnSide& own,
                 Grant grant) {
  const Principal& who = *request.principal;
  // Strangers and services have no policies of their own.
  if (who.account_id.empty())
    return grant == Grant::kNone ? lacking(PolicyLayer::kResource) : allow();

  const bool same_account =
      request.resource_account.empty() || request.resource_account == who.account_id;
  if (!same_account) {
    const Decision mine = own.decide();
    if (!mine.allowed()) return mine;
    return grant == Grant::kNone ? lacking(PolicyLayer::kResource) : allow();
  }
  if (policies.resource_must_allow && grant == Grant::kNone) return lacking(PolicyLayer::kResource);
  if (grant == Grant::kDirect) return allow();
  if (grant == Grant::kRole) {
    OwnSide limits = own;
    limits.identity = true;
    return limits.decide();
  }
  return own.decide();
}

}  // namespace

Decision evaluate(const AccessRequest& request, const PolicySet& policies) {
  static const Context kNoContext;
  const std::string action = pattern::lower(request.action);
  const Subject subject{request, action,
                        request.context == nullptr ? kNoContext : *request.context};

  const LayerAnswer identity = ask(policies.identity, subject);
  if (identity.denies) return deny(PolicyLayer::kIdentity);
  const ResourceAnswer resource = ask_resource(policies.resource, subject);
  if (resource.denies) return deny(PolicyLayer::kResource);
  OwnSide own;
  own.identity = identity.allows || request.principal->kind == PrincipalKind::kRoot;
  if (policies.boundary != nullptr) {
    LayerAnswer boundary;
    scan(*policies.boundary, subject, boundary);
    if (boundary.denies) return deny(PolicyLayer::kBoundary);
    own.boundary = boundary.allows;
  }
  if (policies.has_session_policies) {
    const LayerAnswer session = ask(policies.session, subject);
    if (session.denies) return deny(PolicyLayer::kSession);
    own.session = session.allows;
  }
  return combine(request, policies, own, resource.grant);
}

bool needs_context(const PolicySet& policies) {
  const auto needs = [](const auto& document) {
    return document != nullptr && document->needs_context;
  };
  return std::ranges::any_of(policies.identity, needs) || needs(policies.boundary) ||
         std::ranges::any_of(policies.session, needs) || needs(policies.resource);
}

}  // namespace auth
