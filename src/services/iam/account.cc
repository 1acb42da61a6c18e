// The account's alias and its summary.
#include <algorithm>

#include "services/iam/iam.h"

namespace services::iam {
namespace {

namespace i = api::iam;
using wire::Context;

Answer<i::op::ListAccountAliases::Output> list_aliases(const Deps& deps) {
  const auto all = deps.identity.directory();
  i::op::ListAccountAliases::Output output;
  auto& aliases = output.account_aliases.emplace();
  if (!all->alias.empty()) aliases.push_back(all->alias);
  output.is_truncated = false;
  co_return output;
}

Answer<i::op::GetAccountSummary::Output> summary(const Deps& deps) {
  const auto all = deps.identity.directory();
  const auto own_policies = std::ranges::count_if(
      all->policies, [](const auto& entry) { return !entry.second->aws_managed; });
  i::op::GetAccountSummary::Output output;
  output.summary_map = {{"Users", static_cast<std::int32_t>(all->users.size())},
                        {"Groups", static_cast<std::int32_t>(all->groups.size())},
                        {"Roles", static_cast<std::int32_t>(all->roles.size())},
                        {"Policies", static_cast<std::int32_t>(own_policies)},
                        {"AccessKeysPerUserQuota", 2},
                        {"AccountAccessKeysPresent", 1},
                        {"AttachedPoliciesPerUserQuota", 10},
                        {"AttachedPoliciesPerGroupQuota", 10},
                        {"AttachedPoliciesPerRoleQuota", 10},
                        {"UserPolicySizeQuota", 2048},
                        {"GroupPolicySizeQuota", 5120},
                        {"RolePolicySizeQuota", 10240},
                        {"PolicySizeQuota", 6144},
                        {"VersionsPerPolicyQuota", 5}};
  co_return output;
}

}  // namespace

void register_account(wire::Registry& registry, const Deps& deps) {
  registry.add<i::op::CreateAccountAlias>(on_any<i::op::CreateAccountAlias>(),
                                          [&deps](const Context&, auto input) {
                                            return edit<i::op::CreateAccountAlias::Output>(
                                                deps, [input](Edit& edit) -> api::Outcome<void> {
                                                  edit.set_alias(*input.account_alias);
                                                  return {};
                                                });
                                          });
  registry.add<i::op::DeleteAccountAlias>(
      on_any<i::op::DeleteAccountAlias>(), [&deps](const Context&, auto input) {
        return edit<i::op::DeleteAccountAlias::Output>(
            deps, [input](Edit& edit) -> api::Outcome<void> {
              if (edit.directory().alias != *input.account_alias)
                return std::unexpected(i::no_such_entity(
                    "The account alias " + *input.account_alias + " cannot be found."));
              edit.set_alias("");
              return {};
            });
      });
  registry.add<i::op::ListAccountAliases>(
      on_any<i::op::ListAccountAliases>(),
      [&deps](const Context&, auto) { return list_aliases(deps); });
  registry.add<i::op::GetAccountSummary>(on_any<i::op::GetAccountSummary>(),
                                         [&deps](const Context&, auto) { return summary(deps); });
}

}  // namespace services::iam
