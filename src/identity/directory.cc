#include "identity/directory.h"

#include <algorithm>

#include "identity/codec.h"

namespace identity {
namespace {

template <class T>
const T* find(const ByName<T>& all, const std::string& name) {
  const auto found = all.find(name);
  return found == all.end() ? nullptr : found->second.get();
}

std::string key(std::string_view kind, const std::string& account, const std::string& name) {
  return "identity/" + account + "/" + std::string(kind) + "/" + name;
}

std::vector<auth::Tag> tag_list(const Tags& tags) {
  std::vector<auth::Tag> list;
  for (const auto& [name, value] : tags) list.push_back({name, value});
  return list;
}

}  // namespace

std::string user_key(const std::string& account, const std::string& name) {
  return key("user", account, name);
}
std::string group_key(const std::string& account, const std::string& name) {
  return key("group", account, name);
}
std::string role_key(const std::string& account, const std::string& name) {
  return key("role", account, name);
}
std::string policy_key(const std::string& account, const std::string& arn) {
  return key("policy", account, arn);
}
std::string alias_key(const std::string& account) { return key("alias", account, ""); }

const PolicyVersion* ManagedPolicy::version(std::string_view version_id) const {
  const auto found = std::ranges::find(versions, version_id, &PolicyVersion::id);
  return found == versions.end() ? nullptr : &*found;
}

const PolicyVersion& ManagedPolicy::current() const { return *version(default_version); }

const User* Directory::user(const std::string& name) const { return find(users, name); }
const Group* Directory::group(const std::string& name) const { return find(groups, name); }
const Role* Directory::role(const std::string& name) const { return find(roles, name); }
const ManagedPolicy* Directory::policy(const std::string& arn) const { return find(policies, arn); }

const Role* Directory::role_by_arn(std::string_view arn) const {
  const Role* const found = role(std::string(arn.substr(arn.rfind('/') + 1)));
  return found != nullptr && arn_of(*found) == arn ? found : nullptr;
}

std::string Directory::arn_of(const User& user) const {
  return auth::user_arn(account_id, user.path, user.name);
}
std::string Directory::arn_of(const Group& group) const {
  return auth::group_arn(account_id, group.path, group.name);
}
std::string Directory::arn_of(const Role& role) const {
  return auth::role_arn(account_id, role.path, role.name);
}

void Directory::add_attached(auth::PrincipalPolicies& to, const PolicyHolder& holder) const {
  for (const auto& [name, inline_policy] : holder.inline_policies)
    to.identity.push_back(inline_policy.document);
  for (const std::string& arn : holder.attached)
    if (const ManagedPolicy* const managed = policy(arn))
      to.identity.push_back(managed->current().policy.document);
}

std::shared_ptr<const auth::PrincipalPolicies> Directory::policies_of(const User& user) const {
  auto all = std::make_shared<auth::PrincipalPolicies>();
  add_attached(*all, user);
  for (const std::string& name : user.groups)
    if (const Group* const member_of = group(name)) add_attached(*all, *member_of);
  if (const ManagedPolicy* const limit = policy(user.boundary))
    all->boundary = limit->current().policy.document;
  return all;
}

std::shared_ptr<const auth::PrincipalPolicies> Directory::policies_of(const Role& role) const {
  auto all = std::make_shared<auth::PrincipalPolicies>();
  add_attached(*all, role);
  if (const ManagedPolicy* const limit = policy(role.boundary))
    all->boundary = limit->current().policy.document;
  return all;
}

std::size_t Directory::attachments(const std::string& arn) const {
  const auto holds = [&arn](const auto& entry) { return entry.second->attached.contains(arn); };
  return static_cast<std::size_t>(std::ranges::count_if(users, holds) +
                                  std::ranges::count_if(groups, holds) +
                                  std::ranges::count_if(roles, holds));
}

void Directory::index() {
  credentials.clear();
  by_arn.clear();
  for (const auto& [name, user] : users) {
    const std::string arn = arn_of(*user);
    by_arn.emplace(arn, policies_of(*user));
    for (const AccessKey& access : user->keys) {
      if (!access.active) continue;
      auto credential = std::make_shared<auth::Credential>();
      credential->secret_key = access.secret;
      credential->principal = auth::user_principal(account_id, user->path, user->name, user->id);
      credential->principal.access_key_id = access.id;
      credential->principal.tags = tag_list(user->tags);
      credentials.emplace(access.id, std::move(credential));
    }
  }
  for (const auto& [name, role] : roles) by_arn.emplace(arn_of(*role), policies_of(*role));
}

void Edit::put(User user) {
  batch_.put(user_key(directory_.account_id, user.name), encode(user));
  const std::string name = user.name;
  directory_.users[name] = std::make_shared<const User>(std::move(user));
}
void Edit::put(Group group) {
  batch_.put(group_key(directory_.account_id, group.name), encode(group));
  const std::string name = group.name;
  directory_.groups[name] = std::make_shared<const Group>(std::move(group));
}
void Edit::put(Role role) {
  batch_.put(role_key(directory_.account_id, role.name), encode(role));
  const std::string name = role.name;
  directory_.roles[name] = std::make_shared<const Role>(std::move(role));
}
void Edit::put(ManagedPolicy policy) {
  batch_.put(policy_key(directory_.account_id, policy.arn), encode(policy));
  const std::string arn = policy.arn;
  directory_.policies[arn] = std::make_shared<const ManagedPolicy>(std::move(policy));
}
void Edit::set_alias(std::string alias) {
  batch_.put(alias_key(directory_.account_id), alias);
  directory_.alias = std::move(alias);
}
void Edit::erase_user(const std::string& name) {
  batch_.erase(user_key(directory_.account_id, name));
  directory_.users.erase(name);
}
void Edit::erase_group(const std::string& name) {
  batch_.erase(group_key(directory_.account_id, name));
  directory_.groups.erase(name);
}
void Edit::erase_role(const std::string& name) {
  batch_.erase(role_key(directory_.account_id, name));
  directory_.roles.erase(name);
}
void Edit::erase_policy(const std::string& arn) {
  batch_.erase(policy_key(directory_.account_id, arn));
  directory_.policies.erase(arn);
}

}  // namespace identity
