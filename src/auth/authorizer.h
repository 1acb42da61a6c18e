#pragma once

// Authorizer: may this principal do what the request asks? Looks up the principal's policies and
// evaluates each Check. Thread-safe; the server owns one. Its sources must outlive it. Conditions
// are only computed when some policy in play looks at them.

#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "auth/denial.h"
#include "auth/evaluate.h"
#include "auth/ports.h"
#include "base/clock.h"

namespace auth {

// One thing that an operation does to one resource.
struct Check {
  std::string action;                 // "kinesis:PutRecord"
  std::string resource;               // an ARN, or "*"
  std::vector<ContextEntry> context;  // the operation's own condition keys
  std::shared_ptr<const PolicyDocument> resource_policy = nullptr;  // null: none
  std::string resource_account;      // empty: the principal's own account
  bool resource_must_allow = false;  // trust policies: see PolicySet
  // Adds more condition keys to a check: those that take long to make, and are made only if a
  // policy looks at them. What it refers to has to be there until authorize() has answered.
  std::function<void(Check&)> add_conditions = nullptr;
};

class Authorizer {
 public:
  Authorizer(const PolicySource& policies, const base::Clock& clock)
      : policies_(policies), clock_(clock) {}

  // All checks must pass; the first that does not is the answer.
  std::expected<void, Denial> authorize(const Principal& principal, std::span<const Check> checks,
                                        const RequestFacts& facts) const;

 private:
  const PolicySource& policies_;
  const base::Clock& clock_;
};

}  // namespace auth
