#include "functions/catalogue.h"

#include "api/lambda/errors.h"
#include "base/log.h"
#include "store/for_each.h"

namespace functions {
namespace {

constexpr std::string_view kPrefix = "functions/function/";

std::string store_key(const FunctionKey& key) {
  return std::string(kPrefix) + key.account_id + '/' + key.region + '/' + key.name;
}

// Code and layers.
void add_packages(const Version& version, std::set<std::string>& used) {
  used.insert(version.code_sha256);
  for (const LayerUse& layer : version.layers) used.insert(layer.code_sha256);
}

}  // namespace

api::Error function_not_found(const std::string& arn) {
  return api::lambda::resource_not_found("Function not found: " + arn);
}

async::Task<base::Status> Catalogue::open() {
  ByKey loaded;
  const base::Status read = co_await store::for_each_decoded(
      store_, std::string(kPrefix), decode_function, [&loaded](Function function) {
        FunctionKey key = function.key;
        loaded.emplace(std::move(key), std::make_shared<const Function>(std::move(function)));
      });
  if (!read) co_return read;
  for (const auto& [key, function] : loaded) index_urls(nullptr, function.get());
  functions_.set(std::move(loaded));
  co_return base::Status();
}

// Few functions have URLs: most changes touch nothing here.
void Catalogue::index_urls(const Function* before, const Function* after) {
  const bool had = before != nullptr && !before->urls.empty();
  const bool has = after != nullptr && !after->urls.empty();
  if (!had && !has) return;
  std::map<std::string, UrlOwner> urls = *urls_.get();
  if (had)
    for (const auto& [qualifier, url] : before->urls) urls.erase(url.id);
  if (has)
    for (const auto& [qualifier, url] : after->urls) urls[url.id] = {after->key, qualifier};
  urls_.set(std::move(urls));
}

std::optional<Catalogue::UrlOwner> Catalogue::find_url(const std::string& id) const {
  const auto all = urls_.get();
  const auto found = all->find(id);
  if (found == all->end()) return std::nullopt;
  return found->second;
}

FunctionPtr Catalogue::find(const FunctionKey& key) const {
  const auto all = functions_.get();
  const auto found = all->find(key);
  return found == all->end() ? nullptr : found->second;
}

std::vector<FunctionPtr> Catalogue::list(const std::string& account_id,
                                         const std::string& region) const {
  std::vector<FunctionPtr> functions;
  const auto all = functions_.get();
  for (auto at = all->lower_bound({account_id, region, ""}); at != all->end(); ++at) {
    if (at->first.account_id != account_id || at->first.region != region) break;
    functions.push_back(at->second);
  }
  return functions;
}

std::set<std::string> Catalogue::packages() const {
  std::set<std::string> used;
  const auto all = functions_.get();
  for (const auto& [key, function] : *all) {
    add_packages(function->latest, used);
    for (const Version& version : function->versions) add_packages(version, used);
  }
  return used;
}

std::vector<FunctionKey> Catalogue::provisioned() const {
  std::vector<FunctionKey> keys;
  const auto all = functions_.get();
  for (const auto& [key, function] : *all)
    if (!function->provisioned.empty()) keys.push_back(key);
  return keys;
}

async::Task<api::Outcome<FunctionPtr>> Catalogue::create(Function function) {
  return async::run_on(control_, create_here(std::move(function)));
}
async::Task<api::Outcome<FunctionPtr>> Catalogue::update(FunctionKey key, Change change) {
  return async::run_on(control_, update_here(std::move(key), std::move(change)));
}
async::Task<api::Outcome<FunctionPtr>> Catalogue::remove(FunctionKey key) {
  return async::run_on(control_, remove_here(std::move(key)));
}

async::Task<api::Outcome<FunctionPtr>> Catalogue::create_here(Function function) {
  const auto lock = co_await changing_.lock();
  if (find(function.key) != nullptr)
    co_return std::unexpected(
        api::lambda::resource_conflict("Function already exist: " + function.key.name));
  auto saved = co_await save(std::move(function));
  co_return saved;
}

async::Task<api::Outcome<FunctionPtr>> Catalogue::update_here(FunctionKey key, Change change) {
  const auto lock = co_await changing_.lock();
  const FunctionPtr before = find(key);
  if (before == nullptr) co_return std::unexpected(function_not_found(key.arn()));
  Function after = *before;
  auto changed = change(after);
  if (!changed) co_return std::unexpected(std::move(changed).error());
  auto saved = co_await save(std::move(after));
  co_return saved;
}

async::Task<api::Outcome<FunctionPtr>> Catalogue::remove_here(FunctionKey key) {
  const auto lock = co_await changing_.lock();
  const FunctionPtr before = find(key);
  if (before == nullptr) co_return std::unexpected(function_not_found(key.arn()));
  store::Batch batch;
  batch.erase(store_key(key));
  const base::Status removed = co_await store_.commit(std::move(batch));
  if (!removed) {
    base::log_error("functions: {}", removed.error().to_string());
    co_return std::unexpected(api::internal_failure());
  }
  ByKey all = *functions_.get();
  all.erase(key);
  functions_.set(std::move(all));
  index_urls(before.get(), nullptr);
  if (listener_) listener_(key);
  co_return before;
}

async::Task<api::Outcome<FunctionPtr>> Catalogue::save(Function function) {
  store::Batch batch;
  batch.put(store_key(function.key), encode(function));
  const base::Status saved = co_await store_.commit(std::move(batch));
  if (!saved) {
    base::log_error("functions: {}", saved.error().to_string());
    co_return std::unexpected(api::internal_failure());
  }
  const FunctionKey key = function.key;
  FunctionPtr published = std::make_shared<const Function>(std::move(function));
  index_urls(find(key).get(), published.get());
  ByKey all = *functions_.get();
  all.insert_or_assign(key, published);
  functions_.set(std::move(all));
  if (listener_) listener_(key);
  co_return published;
}

}  // namespace functions
