#pragma once

// Users, roles and groups as holders of policies: the same calls three times over in the API, once
// here. Stateless, thread-safe.

#include <string>

#include "stacks/resources/common.h"

namespace stacks::resources {

enum class Holder { kUser, kRole, kGroup };

async::Task<api::Outcome<void>> put_inline_policy(const StepContext& context, Holder holder,
                                                  std::string name, std::string policy_name,
                                                  std::string document);
// What is gone already is removed.
async::Task<api::Outcome<void>> delete_inline_policy(const StepContext& context, Holder holder,
                                                     std::string name, std::string policy_name);
async::Task<api::Outcome<void>> attach_policy(const StepContext& context, Holder holder,
                                              std::string name, std::string arn);
async::Task<api::Outcome<void>> detach_policy(const StepContext& context, Holder holder,
                                              std::string name, std::string arn);

// Brings the members Policies and ManagedPolicyArns from `before` to `after`.
async::Task<api::Outcome<void>> apply_policies(const StepContext& context, Holder holder,
                                               std::string name, Value before, Value after);

}  // namespace stacks::resources
