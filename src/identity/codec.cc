#include "identity/codec.h"

#include <boost/json.hpp>

namespace identity {
namespace {

namespace json = boost::json;

std::string text(const json::value& value) { return std::string(value.as_string()); }
base::Timestamp time(const json::value& value) {
  return base::from_epoch_ms(value.to_number<std::int64_t>());
}

json::object tags_of(const Tags& tags) {
  json::object out;
  for (const auto& [key, value] : tags) out[key] = value;
  return out;
}
Tags to_tags(const json::value& value) {
  Tags tags;
  for (const auto& [key, tag] : value.as_object()) tags.emplace(key, text(tag));
  return tags;
}

// Stored texts were accepted once, so they parse; a document that does not is corrupt.
PolicyText policy(std::string body, auth::PolicyKind kind) {
  auto parsed = auth::parse_policy(body, kind);
  if (!parsed) throw std::runtime_error("a stored policy does not parse");
  return {std::move(body), std::make_shared<const auth::PolicyDocument>(*std::move(parsed))};
}

json::object holder(const PolicyHolder& from) {
  json::object inlines;
  for (const auto& [name, held] : from.inline_policies) inlines[name] = held.text;
  return {{"version", 1},
          {"name", from.name},
          {"path", from.path},
          {"id", from.id},
          {"created", base::to_epoch_ms(from.created)},
          {"inline", std::move(inlines)},
          {"attached", json::array(from.attached.begin(), from.attached.end())}};
}

void fill_holder(PolicyHolder& to, const json::object& from) {
  to.name = text(from.at("name"));
  to.path = text(from.at("path"));
  to.id = text(from.at("id"));
  to.created = time(from.at("created"));
  for (const auto& [name, body] : from.at("inline").as_object())
    to.inline_policies.emplace(name, policy(text(body), auth::PolicyKind::kIdentity));
  for (const auto& arn : from.at("attached").as_array()) to.attached.insert(text(arn));
}

template <class F>
auto guarded(std::string_view bytes, F decode)
    -> base::Result<std::invoke_result_t<F, const json::object&>> {
  try {
    return decode(json::parse(bytes).as_object());
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("a stored identity: ") + failure.what());
  }
}

}  // namespace

std::string encode(const User& user) {
  json::object out = holder(user);
  json::array keys;
  for (const AccessKey& key : user.keys)
    keys.push_back({{"id", key.id},
                    {"secret", key.secret},
                    {"active", key.active},
                    {"created", base::to_epoch_ms(key.created)}});
  out["keys"] = std::move(keys);
  out["groups"] = json::array(user.groups.begin(), user.groups.end());
  out["boundary"] = user.boundary;
  out["tags"] = tags_of(user.tags);
  return json::serialize(out);
}

std::string encode(const Group& group) { return json::serialize(holder(group)); }

std::string encode(const Role& role) {
  json::object out = holder(role);
  out["trust"] = role.trust.text;
  out["description"] = role.description;
  out["session_seconds_max"] = role.session_seconds_max;
  out["boundary"] = role.boundary;
  out["tags"] = tags_of(role.tags);
  return json::serialize(out);
}

std::string encode(const ManagedPolicy& managed) {
  json::array versions;
  for (const PolicyVersion& version : managed.versions)
    versions.push_back({{"id", version.id},
                        {"text", version.policy.text},
                        {"created", base::to_epoch_ms(version.created)}});
  return json::serialize(json::object{{"version", 1},
                                      {"name", managed.name},
                                      {"path", managed.path},
                                      {"id", managed.id},
                                      {"arn", managed.arn},
                                      {"description", managed.description},
                                      {"created", base::to_epoch_ms(managed.created)},
                                      {"updated", base::to_epoch_ms(managed.updated)},
                                      {"versions", std::move(versions)},
                                      {"default_version", managed.default_version},
                                      {"next_version", managed.next_version},
                                      {"tags", tags_of(managed.tags)}});
}

base::Result<User> decode_user(std::string_view bytes) {
  return guarded(bytes, [](const json::object& from) {
    User user;
    fill_holder(user, from);
    for (const auto& key : from.at("keys").as_array())
      user.keys.push_back({text(key.at("id")), text(key.at("secret")), key.at("active").as_bool(),
                           time(key.at("created"))});
    for (const auto& group : from.at("groups").as_array()) user.groups.insert(text(group));
    user.boundary = text(from.at("boundary"));
    user.tags = to_tags(from.at("tags"));
    return user;
  });
}

base::Result<Group> decode_group(std::string_view bytes) {
  return guarded(bytes, [](const json::object& from) {
    Group group;
    fill_holder(group, from);
    return group;
  });
}

base::Result<Role> decode_role(std::string_view bytes) {
  return guarded(bytes, [](const json::object& from) {
    Role role;
    fill_holder(role, from);
    role.trust = policy(text(from.at("trust")), auth::PolicyKind::kTrust);
    role.description = text(from.at("description"));
    role.session_seconds_max = from.at("session_seconds_max").to_number<std::int32_t>();
    role.boundary = text(from.at("boundary"));
    role.tags = to_tags(from.at("tags"));
    return role;
  });
}

base::Result<ManagedPolicy> decode_policy(std::string_view bytes) {
  return guarded(bytes, [](const json::object& from) {
    ManagedPolicy managed;
    managed.name = text(from.at("name"));
    managed.path = text(from.at("path"));
    managed.id = text(from.at("id"));
    managed.arn = text(from.at("arn"));
    managed.description = text(from.at("description"));
    managed.created = time(from.at("created"));
    managed.updated = time(from.at("updated"));
    for (const auto& version : from.at("versions").as_array())
      managed.versions.push_back({text(version.at("id")),
                                  policy(text(version.at("text")), auth::PolicyKind::kManaged),
                                  time(version.at("created"))});
    managed.default_version = text(from.at("default_version"));
    managed.next_version = from.at("next_version").to_number<std::uint32_t>();
    managed.tags = to_tags(from.at("tags"));
    return managed;
  });
}

}  // namespace identity
