// Session credentials: issued as sealed tokens, read back from them, ended with their role.
#include <boost/json.hpp>

#include "identity/identity.h"

namespace identity {
namespace {

namespace json = boost::json;

constexpr std::size_t kOpenSessionsMax = 4096;

}  // namespace

struct Identity::OpenSession {
  std::string role_id;
  std::shared_ptr<const auth::Credential> credential;
};

api::Outcome<Session> Identity::start_session(const SessionRequest& request) const {
  const auto directory = directory_.get();
  const Role* const role = directory->role(request.role_name);
  if (role == nullptr) return api::fail("AccessDenied", 403, "Access denied");
  const base::Timestamp issued = clock_.now();
  Session session;
  session.access_key_id = "ASIA" + base::random_text(random_, base::kBase32, 16);
  session.secret_key = new_access_key().secret;
  session.expires = issued + request.duration;
  session.principal = auth::role_session_principal(account_id_, role->path, role->name, role->id,
                                                   request.session_name);
  json::array policies;
  for (const PolicyText& policy : request.policies) policies.push_back(json::string(policy.text));
  json::object tags;
  for (const auto& [name, value] : request.tags) tags[name] = value;
  const json::object token{{"key", session.access_key_id},
                           {"secret", session.secret_key},
                           {"role", role->name},
                           {"role_id", role->id},
                           {"session", request.session_name},
                           {"issued", base::to_epoch_ms(issued)},
                           {"expires", base::to_epoch_ms(session.expires)},
                           {"source_identity", request.source_identity},
                           {"has_policies", request.has_policies},
                           {"policies", std::move(policies)},
                           {"tags", std::move(tags)}};
  session.token = sealer_.seal(json::serialize(token));
  return session;
}

std::optional<auth::Principal> Identity::role_session(std::string_view role_arn,
                                                      std::string_view session_name) const {
  const auto directory = directory_.get();
  const Role* const role = directory->role_by_arn(role_arn);
  if (role == nullptr) return std::nullopt;
  return auth::role_session_principal(account_id_, role->path, role->name, role->id, session_name);
}

// Only tokens that this server sealed get this far, so their members are as we wrote them.
std::shared_ptr<const Identity::OpenSession> Identity::open_session(std::string_view token) const {
  const std::string key(token);
  {
    const std::lock_guard lock(sessions_mutex_);
    const auto found = sessions_.find(key);
    if (found != sessions_.end()) return found->second;
  }
  const auto plain = sealer_.open(token);
  if (!plain) return nullptr;
  boost::system::error_code failure;
  const json::value value = json::parse(*plain, failure);
  if (failure || !value.is_object() || !value.as_object().contains("role_id")) return nullptr;
  const json::object& from = value.as_object();
  const auto text = [&](std::string_view name) { return std::string(from.at(name).as_string()); };

  const auto directory = directory_.get();
  const Role* const role = directory->role(text("role"));
  if (role == nullptr || role->id != text("role_id")) return nullptr;
  auto session = std::make_shared<OpenSession>();
  auto credential = std::make_shared<auth::Credential>();
  auth::Principal principal =
      auth::role_session_principal(account_id_, role->path, role->name, role->id, text("session"));
  principal.access_key_id = text("key");
  principal.source_identity = text("source_identity");
  principal.session_issued = base::from_epoch_ms(from.at("issued").to_number<std::int64_t>());
  principal.session_expires = base::from_epoch_ms(from.at("expires").to_number<std::int64_t>());
  Tags tags = role->tags;
  for (const auto& [name, tag] : from.at("tags").as_object()) tags[name] = tag.as_string();
  for (const auto& [name, tag] : tags) principal.tags.push_back({name, tag});
  if (from.at("has_policies").as_bool()) {
    auto policies = std::make_shared<auth::SessionPolicies>();
    for (const auto& body : from.at("policies").as_array()) {
      auto parsed = auth::parse_policy(body.as_string(), auth::PolicyKind::kSession);
      if (!parsed) return nullptr;
      policies->push_back(std::make_shared<const auth::PolicyDocument>(*std::move(parsed)));
    }
    principal.session_policies = std::move(policies);
  }
  credential->secret_key = text("secret");
  credential->expires = principal.session_expires;
  credential->principal = std::move(principal);
  session->role_id = role->id;
  session->credential = std::move(credential);
  const std::lock_guard lock(sessions_mutex_);
  if (sessions_.size() >= kOpenSessionsMax) sessions_.clear();
  sessions_.emplace(key, session);
  return session;
}

std::expected<std::shared_ptr<const auth::Credential>, auth::CredentialFailure>
Identity::find_session(std::string_view access_key_id, std::string_view token) const {
  const auto session = open_session(token);
  if (!session || session->credential->principal.access_key_id != access_key_id)
    return std::unexpected(auth::CredentialFailure::kInvalidToken);
  const Role* const role = directory_.get()->role(session->credential->principal.role_name);
  if (role == nullptr || role->id != session->role_id)
    return std::unexpected(auth::CredentialFailure::kInvalidToken);
  return session->credential;
}

}  // namespace identity
