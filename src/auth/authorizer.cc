#include "auth/authorizer.h"

#include <optional>

namespace auth {
namespace {

PolicySet policy_set(const PrincipalPolicies* own, const Check& check) {
  PolicySet set;
  set.resource = check.resource_policy.get();
  set.resource_must_allow = check.resource_must_allow;
  if (own == nullptr) return set;
  set.identity = own->identity;
  set.boundary = own->boundary.get();
  set.session = own->session;
  set.has_session_policies = own->has_session_policies;
  return set;
}

std::vector<ContextEntry> conditions_of(const Check& check) {
  if (!check.add_conditions) return check.context;
  Check whole = check;
  whole.add_conditions(whole);
  return std::move(whole.context);
}

Denial denial_of(const Principal& principal, const Check& check, Decision decision) {
  const std::string& account = principal.account_id;
  return {.decision = decision,
          .principal_arn =
              principal.kind == PrincipalKind::kService ? principal.service : principal.arn,
          .action = check.action,
          .resource = check.resource,
          .cross_account = !check.resource_account.empty() && check.resource_account != account};
}

}  // namespace

std::expected<void, Denial> Authorizer::authorize(const Principal& principal,
                                                  std::span<const Check> checks,
                                                  const RequestFacts& facts) const {
  const std::shared_ptr<const PrincipalPolicies> own = policies_.policies_of(principal);
  std::optional<Context> common;  // made for the first check that needs it
  for (const Check& check : checks) {
    const PolicySet set = policy_set(own.get(), check);
    AccessRequest request{.principal = &principal,
                          .action = check.action,
                          .resource = check.resource,
                          .resource_account = check.resource_account};
    Context context;
    if (needs_context(set)) {
      if (!common) common = global_context(principal, facts, clock_.now());
      context = *common;
      for (const ContextEntry& entry : conditions_of(check)) context.add(entry);
      request.context = &context;
    }
    const Decision decision = evaluate(request, set);
    if (!decision.allowed()) return std::unexpected(denial_of(principal, check, decision));
  }
  return {};
}

}  // namespace auth
