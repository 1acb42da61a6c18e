#include "functions/layers.h"

#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "store/for_each.h"

namespace functions {
namespace {

namespace json = boost::json;
constexpr std::string_view kPrefix = "functions/layer/";

std::string store_key(const FunctionKey& key) {
  return std::string(kPrefix) + key.account_id + '/' + key.region + '/' + key.name;
}

std::string text(const json::object& from, std::string_view key) {
  return std::string(from.at(key).as_string());
}
json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}
std::vector<std::string> texts(const json::object& from, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& entry : from.at(key).as_array()) out.emplace_back(entry.as_string());
  return out;
}

json::object encode(const LayerVersion& version) {
  json::array permissions;
  for (const Permission& permission : version.policy.permissions)
    permissions.push_back({{"id", permission.statement_id}, {"statement", permission.statement}});
  return {{"number", version.number},
          {"description", version.description},
          {"license", version.license},
          {"runtimes", array_of(version.runtimes)},
          {"architectures", array_of(version.architectures)},
          {"code_sha256", base::hex(version.code_sha256)},
          {"code_bytes", version.code_bytes},
          {"created", base::to_epoch_ms(version.created)},
          {"revision_id", version.policy.revision_id},
          {"permissions", std::move(permissions)}};
}

LayerVersion decode_version(const json::object& from) {
  LayerVersion version;
  version.number = from.at("number").to_number<std::uint64_t>();
  version.description = text(from, "description");
  version.license = text(from, "license");
  version.runtimes = texts(from, "runtimes");
  version.architectures = texts(from, "architectures");
  version.code_sha256 = base::from_hex(text(from, "code_sha256")).value();
  version.code_bytes = from.at("code_bytes").to_number<std::uint64_t>();
  version.created = base::from_epoch_ms(from.at("created").to_number<std::int64_t>());
  version.policy.revision_id = text(from, "revision_id");
  for (const auto& entry : from.at("permissions").as_array())
    version.policy.permissions.push_back(
        {text(entry.as_object(), "id"), text(entry.as_object(), "statement")});
  return version;
}

}  // namespace

std::string Layer::arn() const {
  return "arn:aws:lambda:" + key.region + ':' + key.account_id + ":layer:" + key.name;
}
std::string Layer::version_arn(std::uint64_t number) const {
  return arn() + ':' + std::to_string(number);
}
const LayerVersion* Layer::find(std::uint64_t number) const {
  const auto found = versions.find(number);
  return found == versions.end() ? nullptr : &found->second;
}

std::string encode(const Layer& layer) {
  json::array versions;
  for (const auto& [number, version] : layer.versions) versions.push_back(encode(version));
  return json::serialize(json::object{{"format", 1},
                                      {"account", layer.key.account_id},
                                      {"region", layer.key.region},
                                      {"name", layer.key.name},
                                      {"next_version", layer.next_version},
                                      {"versions", std::move(versions)}});
}

base::Result<Layer> decode_layer(std::string_view bytes) {
  try {
    const json::value document = json::parse(bytes);
    const json::object& from = document.as_object();
    Layer layer;
    layer.key = {text(from, "account"), text(from, "region"), text(from, "name")};
    layer.next_version = from.at("next_version").to_number<std::uint64_t>();
    for (const auto& entry : from.at("versions").as_array()) {
      LayerVersion version = decode_version(entry.as_object());
      layer.versions.emplace(version.number, std::move(version));
    }
    return layer;
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("a stored layer: ") + failure.what());
  }
}

async::Task<base::Status> Layers::open() {
  std::map<FunctionKey, LayerPtr> loaded;
  const base::Status read = co_await store::for_each_decoded(
      store_, std::string(kPrefix), decode_layer, [&loaded](Layer layer) {
        FunctionKey key = layer.key;
        loaded.emplace(std::move(key), std::make_shared<const Layer>(std::move(layer)));
      });
  if (!read) co_return read;
  layers_.set(std::move(loaded));
  co_return base::Status();
}

LayerPtr Layers::find(const FunctionKey& key) const {
  const auto all = layers_.get();
  const auto found = all->find(key);
  return found == all->end() ? nullptr : found->second;
}

std::vector<LayerPtr> Layers::list(const std::string& account_id, const std::string& region) const {
  std::vector<LayerPtr> layers;
  const auto all = layers_.get();
  for (auto at = all->lower_bound({account_id, region, ""}); at != all->end(); ++at) {
    if (at->first.account_id != account_id || at->first.region != region) break;
    if (!at->second->versions.empty()) layers.push_back(at->second);
  }
  return layers;
}

std::set<std::string> Layers::packages() const {
  std::set<std::string> used;
  const auto all = layers_.get();
  for (const auto& [key, layer] : *all)
    for (const auto& [number, version] : layer->versions) used.insert(version.code_sha256);
  return used;
}

async::Task<api::Outcome<LayerPtr>> Layers::update(FunctionKey key, Change change) {
  return async::run_on(control_, update_here(std::move(key), std::move(change)));
}

async::Task<api::Outcome<LayerPtr>> Layers::update_here(FunctionKey key, Change change) {
  const auto lock = co_await changing_.lock();
  const LayerPtr before = find(key);
  Layer after = before == nullptr ? Layer{.key = key} : *before;
  auto changed = change(after);
  if (!changed) co_return std::unexpected(std::move(changed).error());
  store::Batch batch;
  batch.put(store_key(key), encode(after));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) {
    base::log_error("functions: {}", saved.error().to_string());
    co_return std::unexpected(api::internal_failure());
  }
  LayerPtr published = std::make_shared<const Layer>(std::move(after));
  auto all = *layers_.get();
  all.insert_or_assign(key, published);
  layers_.set(std::move(all));
  co_return published;
}

}  // namespace functions
