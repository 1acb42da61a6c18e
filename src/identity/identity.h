#pragma once

// Identity: who exists and what they may do. Makes and changes IAM's entities, issues and
// recognises session credentials, and answers auth's two questions (CredentialSource, PolicySource)
// from an immutable snapshot, on any core. One per server and account.
//
// Changes happen one after another on the control core; what they answer is durable and in force: a
// new key works at once, a deleted one is refused at once. Sessions need no storage: their token
// carries them, sealed; they end with their role.

#include <functional>

#include "api/error.h"
#include "async/core.h"
#include "async/mutex.h"
#include "base/random.h"
#include "base/seal.h"
#include "base/snapshot.h"
#include "identity/directory.h"

namespace identity {

struct RootKey {
  std::string id;
  std::string secret;
};

struct SessionRequest {
  std::string role_name;
  std::string session_name;
  std::chrono::seconds duration{3600};
  std::vector<PolicyText> policies;  // session policies
  bool has_policies = false;
  Tags tags;
  std::string source_identity;
};

struct Session {
  std::string access_key_id;  // ASIA...
  std::string secret_key;
  std::string token;
  base::Timestamp expires;
  auth::Principal principal;
};

class Identity final : public auth::CredentialSource, public auth::PolicySource {
 public:
  Identity(std::string account_id, RootKey root, store::Store& store, async::Core& control,
           const base::Clock& clock, base::Random& random, const base::Sealer& sealer);

  async::Task<base::Status> open();

  std::shared_ptr<const Directory> directory() const { return directory_.get(); }
  // Runs `change` on a copy; if it succeeds, saves and publishes. A store that stopped is a 500.
  async::Task<api::Outcome<void>> edit(std::function<api::Outcome<void>(Edit&)> change);

  // Temporary credentials of a role. The trust policy is the caller's business.
  api::Outcome<Session> start_session(const SessionRequest& request) const;
  // The principal that a service acts as when it uses a role; nullopt: no such role.
  std::optional<auth::Principal> role_session(std::string_view role_arn,
                                              std::string_view session_name) const;

  std::string new_id(std::string_view prefix) const;  // "AIDA" + 17 characters
  AccessKey new_access_key() const;
  base::Timestamp now() const { return clock_.now(); }
  const std::string& account_id() const { return account_id_; }

  // auth::CredentialSource
  std::expected<std::shared_ptr<const auth::Credential>, auth::CredentialFailure> find(
      std::string_view access_key_id, std::string_view session_token) const override;
  // auth::PolicySource
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(
      const auth::Principal& principal) const override;

 private:
  struct OpenSession;  // a token that was read
  async::Task<api::Outcome<void>> edit_here(std::function<api::Outcome<void>(Edit&)> change);
  async::Task<base::Status> load(Directory& directory);
  std::shared_ptr<const OpenSession> open_session(std::string_view token) const;
  std::expected<std::shared_ptr<const auth::Credential>, auth::CredentialFailure> find_session(
      std::string_view access_key_id, std::string_view token) const;

  const std::string account_id_;
  std::shared_ptr<const auth::Credential> root_;
  store::Store& store_;
  async::Core& control_;
  const base::Clock& clock_;
  base::Random& random_;
  const base::Sealer& sealer_;

  async::Mutex editing_;
  base::Snapshot<Directory> directory_;

  // Tokens read lately; emptied when full, since a token can be read again.
  mutable std::mutex sessions_mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const OpenSession>> sessions_;
};

}  // namespace identity
