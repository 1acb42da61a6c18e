#include "identity/identity.h"

#include "base/log.h"
#include "identity/codec.h"
#include "store/for_each.h"

namespace identity {

Identity::Identity(std::string account_id, RootKey root, store::Store& store, async::Core& control,
                   const base::Clock& clock, base::Random& random, const base::Sealer& sealer)
    : account_id_(std::move(account_id)),
      store_(store),
      control_(control),
      clock_(clock),
      random_(random),
      sealer_(sealer) {
  auto credential = std::make_shared<auth::Credential>();
  credential->secret_key = std::move(root.secret);
  credential->principal = auth::root_principal(account_id_);
  credential->principal.access_key_id = std::move(root.id);
  root_ = std::move(credential);
}

async::Task<base::Status> Identity::open() {
  Directory directory;
  directory.account_id = account_id_;
  for (ManagedPolicy& policy : aws_managed_policies()) {
    const std::string arn = policy.arn;
    directory.policies.emplace(arn, std::make_shared<const ManagedPolicy>(std::move(policy)));
  }
  base::Status loaded = co_await load(directory);
  if (!loaded) co_return loaded;
  directory.index();
  directory_.set(std::move(directory));
  co_return base::Status();
}

async::Task<base::Status> Identity::load(Directory& directory) {
  const auto users = co_await store::for_each_decoded(
      store_, user_key(account_id_, ""), decode_user, [&](User user) {
        const std::string name = user.name;
        directory.users.emplace(name, std::make_shared<const User>(std::move(user)));
      });
  if (!users) co_return users;
  const auto groups = co_await store::for_each_decoded(
      store_, group_key(account_id_, ""), decode_group, [&](Group group) {
        const std::string name = group.name;
        directory.groups.emplace(name, std::make_shared<const Group>(std::move(group)));
      });
  if (!groups) co_return groups;
  const auto roles = co_await store::for_each_decoded(
      store_, role_key(account_id_, ""), decode_role, [&](Role role) {
        const std::string name = role.name;
        directory.roles.emplace(name, std::make_shared<const Role>(std::move(role)));
      });
  if (!roles) co_return roles;
  const auto policies = co_await store::for_each_decoded(
      store_, policy_key(account_id_, ""), decode_policy, [&](ManagedPolicy policy) {
        const std::string arn = policy.arn;
        directory.policies.emplace(arn, std::make_shared<const ManagedPolicy>(std::move(policy)));
      });
  if (!policies) co_return policies;
  const auto alias = co_await store_.get(alias_key(account_id_));
  if (!alias) co_return std::unexpected(alias.error());
  directory.alias = alias->value_or("");
  co_return base::Status();
}

async::Task<api::Outcome<void>> Identity::edit(std::function<api::Outcome<void>(Edit&)> change) {
  return async::run_on(control_, edit_here(std::move(change)));
}

async::Task<api::Outcome<void>> Identity::edit_here(
    std::function<api::Outcome<void>(Edit&)> change) {
  const auto lock = co_await editing_.lock();
  Edit edit(*directory_.get());
  auto changed = change(edit);
  if (!changed) co_return std::unexpected(std::move(changed).error());
  store::Batch batch = edit.take_batch();
  if (batch.empty()) co_return api::Outcome<void>();
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) {
    base::log_error("identity: {}", saved.error().to_string());
    co_return std::unexpected(api::internal_failure());
  }
  Directory directory = edit.take_directory();
  directory.index();
  directory_.set(std::move(directory));
  co_return api::Outcome<void>();
}

std::string Identity::new_id(std::string_view prefix) const {
  return std::string(prefix) + base::random_text(random_, base::kBase32, 17);
}

AccessKey Identity::new_access_key() const {
  constexpr std::string_view kSecretAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return {.id = "AKIA" + base::random_text(random_, base::kBase32, 16),
          .secret = base::random_text(random_, kSecretAlphabet, 40),
          .active = true,
          .created = clock_.now()};
}

std::expected<std::shared_ptr<const auth::Credential>, auth::CredentialFailure> Identity::find(
    std::string_view access_key_id, std::string_view session_token) const {
  if (session_token.empty()) {
    if (access_key_id == root_->principal.access_key_id) return root_;
    const auto directory = directory_.get();
    const auto found = directory->credentials.find(std::string(access_key_id));
    if (found != directory->credentials.end()) return found->second;
    return std::unexpected(access_key_id.starts_with("ASIA")
                               ? auth::CredentialFailure::kInvalidToken
                               : auth::CredentialFailure::kUnknownKey);
  }
  return find_session(access_key_id, session_token);
}

std::shared_ptr<const auth::PrincipalPolicies> Identity::policies_of(
    const auth::Principal& principal) const {
  const bool is_role = principal.kind == auth::PrincipalKind::kAssumedRole;
  const auto directory = directory_.get();
  const auto found = directory->by_arn.find(is_role ? principal.role_arn : principal.arn);
  if (found == directory->by_arn.end()) return nullptr;
  if (!principal.session_policies) return found->second;
  auto cut_down = std::make_shared<auth::PrincipalPolicies>(*found->second);
  cut_down->session = *principal.session_policies;
  cut_down->has_session_policies = true;
  return cut_down;
}

}  // namespace identity
