#pragma once

// Directory: all identities of one account at one moment. Immutable once published; what requests
// are checked against. Edit is a change to it on its way into the store.

#include <unordered_map>

#include "auth/ports.h"
#include "identity/entities.h"
#include "store/store.h"

namespace identity {

template <class T>
using ByName = std::map<std::string, std::shared_ptr<const T>>;

struct Directory {
  std::string account_id;
  ByName<User> users;
  ByName<Group> groups;
  ByName<Role> roles;
  ByName<ManagedPolicy> policies;  // by ARN; AWS's own are here too
  std::string alias;

  // nullptr: not there.
  const User* user(const std::string& name) const;
  const Group* group(const std::string& name) const;
  const Role* role(const std::string& name) const;
  const Role* role_by_arn(std::string_view arn) const;
  const ManagedPolicy* policy(const std::string& arn) const;

  std::string arn_of(const User& user) const;
  std::string arn_of(const Group& group) const;
  std::string arn_of(const Role& role) const;

  // All that the entity is allowed and denied, boundary included.
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(const User& user) const;
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(const Role& role) const;
  // Users, groups and roles that the policy is attached to.
  std::size_t attachments(const std::string& policy_arn) const;

  // Filled by index() when the directory is published.
  std::unordered_map<std::string, std::shared_ptr<const auth::Credential>>
      credentials;  // by key id
  std::unordered_map<std::string, std::shared_ptr<const auth::PrincipalPolicies>> by_arn;
  void index();

 private:
  void add_attached(auth::PrincipalPolicies& to, const PolicyHolder& holder) const;
};

// Collects changes in a copy of the directory and, beside it, in a batch; both take effect
// together.
class Edit {
 public:
  explicit Edit(Directory directory) : directory_(std::move(directory)) {}

  const Directory& directory() const { return directory_; }
  void put(User user);
  void put(Group group);
  void put(Role role);
  void put(ManagedPolicy policy);
  void set_alias(std::string alias);
  void erase_user(const std::string& name);
  void erase_group(const std::string& name);
  void erase_role(const std::string& name);
  void erase_policy(const std::string& arn);

  Directory take_directory() { return std::move(directory_); }
  store::Batch take_batch() { return std::move(batch_); }

 private:
  Directory directory_;
  store::Batch batch_;
};

// AWS's own managed policies that Millrace knows, for every account.
std::vector<ManagedPolicy> aws_managed_policies();

// Where the store keeps them.
std::string user_key(const std::string& account, const std::string& name);
std::string group_key(const std::string& account, const std::string& name);
std::string role_key(const std::string& account, const std::string& name);
std::string policy_key(const std::string& account, const std::string& arn);
std::string alias_key(const std::string& account);

}  // namespace identity
