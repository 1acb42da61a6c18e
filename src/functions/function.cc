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

std::vector<std::string> to_texts(const json::value& value) {
  std::vector<std::string> texts;
  for (const auto& entry : value.as_array()) texts.emplace_back(entry.as_string());
  return texts;
}
json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}
base::Timestamp time_of(const json::object& from, std::string_view key) {
  return base::from_epoch_ms(from.at(key).to_number<std::int64_t>());
}
std::optional<std::int32_t> optional_number(const json::object& from, std::string_view key) {
  const json::value* const value = from.if_contains(key);
  if (value == nullptr) return std::nullopt;
  return value->to_number<std::int32_t>();
}

json::array encode(const std::vector<LayerUse>& layers) {
  json::array out;
  for (const LayerUse& layer : layers)
    out.push_back({{"arn", layer.arn},
                   {"code_sha256", base::hex(layer.code_sha256)},
                   {"code_bytes", layer.code_bytes}});
  return out;
}

std::vector<LayerUse> decode_layers(const json::array& from) {
  std::vector<LayerUse> layers;
  for (const auto& entry : from) {
    const json::object& layer = entry.as_object();
    layers.push_back({text(layer, "arn"), base::from_hex(text(layer, "code_sha256")).value(),
                      layer.at("code_bytes").to_number<std::uint64_t>()});
  }
  return layers;
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
  if (!v.layers.empty()) out["layers"] = encode(v.layers);
  if (v.update_runtime_on != "Auto") out["update_runtime_on"] = v.update_runtime_on;
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
  if (const json::value* const layers = from.if_contains("layers"))
    v.layers = decode_layers(layers->as_array());
  if (from.contains("update_runtime_on")) v.update_runtime_on = text(from, "update_runtime_on");
  return v;
}

json::object encode(const EventConfig& config) {
  json::object out{{"on_success", config.on_success},
                   {"on_failure", config.on_failure},
                   {"modified", base::to_epoch_ms(config.modified)}};
  if (config.retries_max) out["retries_max"] = *config.retries_max;
  if (config.age_max_s) out["age_max_s"] = *config.age_max_s;
  return out;
}

EventConfig decode_event_config(const json::object& from) {
  return {.retries_max = optional_number(from, "retries_max"),
          .age_max_s = optional_number(from, "age_max_s"),
          .on_success = text(from, "on_success"),
          .on_failure = text(from, "on_failure"),
          .modified = time_of(from, "modified")};
}

json::object encode(const UrlConfig& url) {
  json::object out{{"id", url.id},
                   {"auth_type", url.auth_type},
                   {"invoke_mode", url.invoke_mode},
                   {"created", base::to_epoch_ms(url.created)},
                   {"modified", base::to_epoch_ms(url.modified)}};
  if (!url.cors) return out;
  json::object cors{{"allow_credentials", url.cors->allow_credentials},
                    {"allow_headers", array_of(url.cors->allow_headers)},
                    {"allow_methods", array_of(url.cors->allow_methods)},
                    {"allow_origins", array_of(url.cors->allow_origins)},
                    {"expose_headers", array_of(url.cors->expose_headers)}};
  if (url.cors->max_age_s) cors["max_age_s"] = *url.cors->max_age_s;
  out["cors"] = std::move(cors);
  return out;
}

UrlConfig decode_url(const json::object& from) {
  UrlConfig url{.id = text(from, "id"),
                .auth_type = text(from, "auth_type"),
                .invoke_mode = text(from, "invoke_mode"),
                .cors = std::nullopt,
                .created = time_of(from, "created"),
                .modified = time_of(from, "modified")};
  const json::value* const given = from.if_contains("cors");
  if (given == nullptr) return url;
  const json::object& cors = given->as_object();
  url.cors = UrlCors{.allow_credentials = cors.at("allow_credentials").as_bool(),
                     .allow_headers = to_texts(cors.at("allow_headers")),
                     .allow_methods = to_texts(cors.at("allow_methods")),
                     .allow_origins = to_texts(cors.at("allow_origins")),
                     .expose_headers = to_texts(cors.at("expose_headers")),
                     .max_age_s = optional_number(cors, "max_age_s")};
  return url;
}

// Members that functions of an earlier release do not have.
void encode_later_members(const Function& function, json::object& out) {
  json::object configs;
  for (const auto& [qualifier, config] : function.event_configs)
    configs[qualifier] = encode(config);
  json::object urls;
  for (const auto& [qualifier, url] : function.urls) urls[qualifier] = encode(url);
  json::object provisioned;
  for (const auto& [qualifier, kept] : function.provisioned)
    provisioned[qualifier] =
        json::object{{"wanted", kept.wanted}, {"modified", base::to_epoch_ms(kept.modified)}};
  if (!configs.empty()) out["event_configs"] = std::move(configs);
  if (!urls.empty()) out["urls"] = std::move(urls);
  if (!provisioned.empty()) out["provisioned"] = std::move(provisioned);
  if (function.recursive_loop != "Terminate") out["recursive_loop"] = function.recursive_loop;
}

void decode_later_members(const json::object& from, Function& function) {
  const json::object none;
  const auto object = [&](std::string_view key) -> const json::object& {
    const json::value* const value = from.if_contains(key);
    return value == nullptr ? none : value->as_object();
  };
  for (const auto& [qualifier, config] : object("event_configs"))
    function.event_configs.emplace(qualifier, decode_event_config(config.as_object()));
  for (const auto& [qualifier, url] : object("urls"))
    function.urls.emplace(qualifier, decode_url(url.as_object()));
  for (const auto& [qualifier, entry] : object("provisioned")) {
    const json::object& kept = entry.as_object();
    function.provisioned.emplace(qualifier, Provisioned{kept.at("wanted").to_number<std::int32_t>(),
                                                        time_of(kept, "modified")});
  }
  if (from.contains("recursive_loop")) function.recursive_loop = text(from, "recursive_loop");
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
  decode_later_members(from, function);
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
  encode_later_members(function, out);
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
