#pragma once

// Entities as the store keeps them: JSON. kCorruption when it does not read back.

#include "base/result.h"
#include "identity/entities.h"

namespace identity {

std::string encode(const User& user);
std::string encode(const Group& group);
std::string encode(const Role& role);
std::string encode(const ManagedPolicy& policy);

base::Result<User> decode_user(std::string_view bytes);
base::Result<Group> decode_group(std::string_view bytes);
base::Result<Role> decode_role(std::string_view bytes);
base::Result<ManagedPolicy> decode_policy(std::string_view bytes);

}  // namespace identity
