#include "functions/function.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/encoding.h"

namespace functions {
namespace {

namespace json = boost::json;
using TextMap = std::map<std::string, std::string>;

std::string text(const json::object& from, std::string_view key) {
  return std::string(from.at(key).as_string());
}
json::object object_of(const TextMap& map) {
  json::object out;
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}
TextMap to_map(const json::value& value) {
  TextMap map;
  for (const auto& [key, entry] : value.as_object())
    map.emplace(key, std::string(entry.as_string()));
  return map;
}

json::object encode(const Version& v) {
  json::object out = {
      {"version", v.version},
      {"runtime", v.runtime},
      {"handler", v.handler},
      {"role", v.role},
      {"description", v.description},
      {"timeout_s", v.timeout_s},
      {"memory_mb", v.memory_mb},
      {"tmp_mb", v.tmp_mb},
      {"architectures", json::array(v.architectures.begin(), v.architectures.end())},
      {"tracing_mode", v.tracing_mode},
      {"kms_key_arn", v.kms_key_arn},
      {"dead_letter_arn", v.dead_letter_arn},
      {"log_format", v.log_format},
      {"log_group", v.log_group},
      {"application_log_level", v.application_log_level},
      {"system_log_level", v.system_log_level},
      {"snap_start", v.snap_start},
      {"code_sha256", base::hex(v.code_sha256)},
      {"code_bytes", v.code_bytes},
      {"revision_id", v.revision_id},
      {"deployment_id", v.deployment_id},
      {"modified", base::to_epoch_ms(v.modified)}};
  if (v.environment) out["environment"] = object_of(*v.environment);
  return out;
}

Version decode_version(const json::object& from) {
  Version v;
  v.version = text(from, "version");
  v.runtime = text(from, "runtime");
  v.handler = text(from, "handler");
  v.role = text(from, "role");
  v.description = text(from, "description");
  v.timeout_s = from.at("timeout_s").to_number<std::int32_t>();
  v.memory_mb = from.at("memory_mb").to_number<std::int32_t>();
  v.tmp_mb = from.at("tmp_mb").to_number<std::int32_t>();
  v.architectures.clear();
  for (const auto& name : from.at("architectures").as_array())
    v.architectures.emplace_back(name.as_string());
  v.tracing_mode = text(from, "tracing_mode");
  v.kms_key_arn = text(from, "kms_key_arn");
  v.dead_letter_arn = text(from, "dead_letter_arn");
  v.log_format = text(from, "log_format");
  v.log_group = text(from, "log_group");
  v.application_log_level = text(from, "application_log_level");
  v.system_log_level = text(from, "system_log_level");
  v.snap_start = text(from, "snap_start");
  v.code_sha256 = base::from_hex(text(from, "code_sha256")).value();
  v.code_bytes = from.at("code_bytes").to_number<std::uint64_t>();
  v.revision_id = text(from, "revision_id");
  v.deployment_id = text(from, "deployment_id");
  v.modified = base::from_epoch_ms(from.at("modified").to_number<std::int64_t>());
  if (const json::value* const environment = from.if_contains("environment"))
    v.environment = to_map(*environment);
  return v;
}

json::object encode(const Alias& alias) {
  json::object weights;
  for (const auto& [version, weight] : alias.weights) weights[version] = weight;
  return {{"version", alias.version},
          {"description", alias.description},
          {"revision_id", alias.revision_id},
          {"weights", std::move(weights)}};
}

Alias decode_alias(std::string name, const json::object& from) {
  Alias alias{.name = std::move(name),
              .version = text(from, "version"),
              .description = text(from, "description"),
              .revision_id = text(from, "revision_id"),
              .weights = {}};
  for (const auto& [version, weight] : from.at("weights").as_object())
    alias.weights.emplace(version, weight.to_number<double>());
  return alias;
}

json::object encode(const ResourcePolicy& policy) {
  json::array permissions;
  for (const Permission& permission : policy.permissions)
    permissions.push_back({{"id", permission.statement_id}, {"statement", permission.statement}});
  return {{"revision_id", policy.revision_id}, {"permissions", std::move(permissions)}};
}

ResourcePolicy decode_policy(const json::object& from) {
  ResourcePolicy policy;
  policy.revision_id = text(from, "revision_id");
  for (const auto& entry : from.at("permissions").as_array())
    policy.permissions.push_back(
        {text(entry.as_object(), "id"), text(entry.as_object(), "statement")});
  return policy;
}

Function decode_here(std::string_view bytes) {
  const json::value document = json::parse(bytes);
  const json::object& from = document.as_object();
  Function function;
  function.key = {text(from, "account"), text(from, "region"), text(from, "name")};
  function.created = base::from_epoch_ms(from.at("created").to_number<std::int64_t>());
  function.latest = decode_version(from.at("latest").as_object());
  for (const auto& version : from.at("versions").as_array())
    function.versions.push_back(decode_version(version.as_object()));
  function.next_version = from.at("next_version").to_number<std::uint64_t>();
  for (const auto& [name, alias] : from.at("aliases").as_object())
    function.aliases.emplace(name, decode_alias(name, alias.as_object()));
  for (const auto& [qualifier, policy] : from.at("policies").as_object())
    function.policies.emplace(qualifier, decode_policy(policy.as_object()));
  function.tags = to_map(from.at("tags"));
  if (const json::value* const reserved = from.if_contains("reserved_concurrency"))
    function.reserved_concurrency = reserved->to_number<std::int32_t>();
  return function;
}

}  // namespace

std::string FunctionKey::arn() const {
  return "arn:aws:lambda:" + region + ":" + account_id + ":function:" + name;
}

std::string ResourcePolicy::document() const {
  std::string out = R"({"Version":"2012-10-17","Id":"default","Statement":[)";
  for (const Permission& permission : permissions) {
    if (out.back() != '[') out += ',';
    out += permission.statement;
  }
  return out + "]}";
}

const Alias* Function::alias(std::string_view name) const {
  const auto found = aliases.find(std::string(name));
  return found == aliases.end() ? nullptr : &found->second;
}

const Version* Function::resolve(std::string_view qualifier, double draw) const {
  if (qualifier.empty() || qualifier == kLatest) return &latest;
  if (const Alias* const named = alias(qualifier)) {
    std::string_view target = named->version;
    for (const auto& [version, weight] : named->weights) {
      if (draw < weight) target = version;
      draw -= weight;
    }
    return target == qualifier ? nullptr : resolve(target);
  }
  const auto found = std::ranges::find(versions, qualifier, &Version::version);
  return found == versions.end() ? nullptr : &*found;
}

std::string encode(const Function& function) {
  json::array versions;
  for (const Version& version : function.versions) versions.push_back(encode(version));
  json::object aliases;
  for (const auto& [name, alias] : function.aliases) aliases[name] = encode(alias);
  json::object policies;
  for (const auto& [qualifier, policy] : function.policies) policies[qualifier] = encode(policy);
  json::object out = {{"format", 1},
                      {"account", function.key.account_id},
                      {"region", function.key.region},
                      {"name", function.key.name},
                      {"created", base::to_epoch_ms(function.created)},
                      {"latest", encode(function.latest)},
                      {"versions", std::move(versions)},
                      {"next_version", function.next_version},
                      {"aliases", std::move(aliases)},
                      {"policies", std::move(policies)},
                      {"tags", object_of(function.tags)}};
  if (function.reserved_concurrency) out["reserved_concurrency"] = *function.reserved_concurrency;
  return json::serialize(out);
}

base::Result<Function> decode_function(std::string_view bytes) {
  try {
    return decode_here(bytes);
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("a stored function: ") + failure.what());
  }
}

}  // namespace functions
