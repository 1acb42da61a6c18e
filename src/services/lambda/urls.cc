// Create-, Get-, Update-, Delete- and ListFunctionUrlConfig(s).
#include <fmt/format.h>

#include "base/time_text.h"
#include "services/lambda/lambda.h"
#include "services/lambda/url_front.h"

namespace services::lambda {
namespace {

using functions::UrlConfig;
using functions::UrlCors;

constexpr std::size_t kPageMax = 50;
constexpr std::size_t kIdChars = 32;
constexpr std::string_view kIdAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

api::Error no_url() { return l::resource_not_found("The resource you requested does not exist."); }

UrlCors to_cors(const l::Cors& given) {
  using Texts = std::vector<std::string>;
  return {.allow_credentials = given.allow_credentials.value_or(false),
          .allow_headers = given.allow_headers.value_or(Texts()),
          .allow_methods = given.allow_methods.value_or(Texts()),
          .allow_origins = given.allow_origins.value_or(Texts()),
          .expose_headers = given.expose_headers.value_or(Texts()),
          .max_age_s = given.max_age};
}

bool is_empty(const UrlCors& cors) {
  return !cors.allow_credentials && cors.allow_headers.empty() && cors.allow_methods.empty() &&
         cors.allow_origins.empty() && cors.expose_headers.empty() && !cors.max_age_s;
}

l::Cors render_cors(const UrlCors& cors) {
  l::Cors out;
  if (cors.allow_credentials) out.allow_credentials = true;
  if (!cors.allow_headers.empty()) out.allow_headers = cors.allow_headers;
  if (!cors.allow_methods.empty()) out.allow_methods = cors.allow_methods;
  if (!cors.allow_origins.empty()) out.allow_origins = cors.allow_origins;
  if (!cors.expose_headers.empty()) out.expose_headers = cors.expose_headers;
  out.max_age = cors.max_age_s;
  return out;
}

template <class Output>
Output render_url(const FunctionKey& key, const std::string& qualifier, const UrlConfig& url) {
  Output out;
  out.function_url = "https://" + url_domain(url.id, key.region) + '/';
  out.function_arn = qualifier.empty() ? key.arn() : key.arn() + ':' + qualifier;
  out.auth_type = url.auth_type;
  if (url.cors) out.cors = render_cors(*url.cors);
  out.creation_time = base::iso8601_ms(url.created);
  if constexpr (requires { out.last_modified_time; })
    out.last_modified_time = base::iso8601_ms(url.modified);
  out.invoke_mode = url.invoke_mode;
  return out;
}

// What "AWS_IAM" or "NONE" a policy may insist on.
template <class Input>
auto on_url(const Deps& deps, std::string action) {
  return [&deps, action = std::move(action)](const Context& context,
                                             const Input& input) -> api::Outcome<wire::Checks> {
    auto target = target_of(context, *input.function_name, qualifier_of(input));
    if (!target) return std::unexpected(target.error());
    auth::Check check = function_check(deps, action, *target);
    const FunctionPtr function = deps.catalogue.find(target->key);
    std::string auth_type;
    if (function != nullptr && function->urls.contains(target->qualifier))
      auth_type = function->urls.at(target->qualifier).auth_type;
    if constexpr (requires { input.auth_type; }) auth_type = input.auth_type.value_or(auth_type);
    if (!auth_type.empty()) check.context.push_back({"lambda:FunctionUrlAuthType", {auth_type}});
    return wire::Checks{std::move(check)};
  };
}

template <class Input>
void apply(const Deps& deps, UrlConfig& url, const Input& input) {
  if (input.auth_type) url.auth_type = *input.auth_type;
  if (input.invoke_mode) url.invoke_mode = *input.invoke_mode;
  if (input.cors) {
    UrlCors cors = to_cors(*input.cors);
    if (is_empty(cors)) url.cors.reset();
    else url.cors = std::move(cors);
  }
  url.modified = deps.clock.now();
}

Answer<l::CreateFunctionUrlConfigResponse> create(const Deps& deps, const Context& context,
                                                  l::CreateFunctionUrlConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const auto found = find_function(deps, *target);
  if (!found) co_return std::unexpected(l::resource_not_found("Function does not exist"));
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        const std::string& alias = target->qualifier;
        if (!alias.empty() && function.alias(alias) == nullptr)
          return std::unexpected(l::resource_not_found("Function does not exist"));
        if (function.urls.contains(alias))
          return std::unexpected(l::resource_conflict(
              fmt::format("Failed to create function url config for [functionArn = {}]. Error "
                          "message:  FunctionUrlConfig exists for this Lambda function",
                          target->arn())));
        UrlConfig url;
        url.id = base::random_text(deps.random, kIdAlphabet, kIdChars);
        url.created = deps.clock.now();
        apply(deps, url, input);
        function.urls.emplace(alias, std::move(url));
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return render_url<l::CreateFunctionUrlConfigResponse>(target->key, target->qualifier,
                                                           (*changed)->urls.at(target->qualifier));
}

Answer<l::GetFunctionUrlConfigResponse> get(const Deps& deps, const Context& context,
                                            l::GetFunctionUrlConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const FunctionPtr function = deps.catalogue.find(target->key);
  if (function == nullptr || !function->urls.contains(target->qualifier))
    co_return std::unexpected(no_url());
  co_return render_url<l::GetFunctionUrlConfigResponse>(target->key, target->qualifier,
                                                        function->urls.at(target->qualifier));
}

// Runs `change` on a function that has the URL.
template <class Change>
async::Task<api::Outcome<FunctionPtr>> change_url(const Deps& deps, Target target, Change change) {
  if (deps.catalogue.find(target.key) == nullptr) co_return std::unexpected(no_url());
  auto changed = co_await deps.catalogue.update(
      target.key, [&target, &change](Function& function) -> api::Outcome<void> {
        if (!function.urls.contains(target.qualifier)) return std::unexpected(no_url());
        change(function);
        return {};
      });
  co_return changed;
}

Answer<l::UpdateFunctionUrlConfigResponse> update(const Deps& deps, const Context& context,
                                                  l::UpdateFunctionUrlConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const auto changed = co_await change_url(deps, *target, [&](Function& function) {
    apply(deps, function.urls.at(target->qualifier), input);
  });
  if (!changed) co_return std::unexpected(changed.error());
  co_return render_url<l::UpdateFunctionUrlConfigResponse>(target->key, target->qualifier,
                                                           (*changed)->urls.at(target->qualifier));
}

Answer<l::DeleteFunctionUrlConfigOutput> remove(const Deps& deps, const Context& context,
                                                l::DeleteFunctionUrlConfigRequest input) {
  const auto target = target_of(context, *input.function_name, input.qualifier);
  if (!target) co_return std::unexpected(target.error());
  const auto changed = co_await change_url(
      deps, *target, [&](Function& function) { function.urls.erase(target->qualifier); });
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::DeleteFunctionUrlConfigOutput();
}

Answer<l::ListFunctionUrlConfigsResponse> list(const Deps& deps, const Context& context,
                                               l::ListFunctionUrlConfigsRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const FunctionPtr function = deps.catalogue.find(target->key);
  if (function == nullptr)
    co_return std::unexpected(l::resource_not_found("Function does not exist"));
  std::vector<l::FunctionUrlConfig> all;
  for (const auto& [qualifier, url] : function->urls)
    all.push_back(render_url<l::FunctionUrlConfig>(target->key, qualifier, url));
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  auto [page, next] = page_of(std::move(all), input.marker, limit,
                              [](const auto& url) { return *url.function_arn; });
  l::ListFunctionUrlConfigsResponse output;
  output.function_url_configs = std::move(page);
  output.next_marker = std::move(next);
  co_return output;
}

}  // namespace

void register_urls(wire::Registry& registry, const Deps& deps) {
  using Create = l::CreateFunctionUrlConfigRequest;
  using Get = l::GetFunctionUrlConfigRequest;
  using Update = l::UpdateFunctionUrlConfigRequest;
  using Delete = l::DeleteFunctionUrlConfigRequest;
  using List = l::ListFunctionUrlConfigsRequest;
  registry.add<l::op::CreateFunctionUrlConfig>(
      on_url<Create>(deps, "lambda:CreateFunctionUrlConfig"),
      [&deps](const Context& context, Create input) {
        return create(deps, context, std::move(input));
      });
  registry.add<l::op::GetFunctionUrlConfig>(
      on_url<Get>(deps, "lambda:GetFunctionUrlConfig"),
      [&deps](const Context& context, Get input) { return get(deps, context, std::move(input)); });
  registry.add<l::op::UpdateFunctionUrlConfig>(
      on_url<Update>(deps, "lambda:UpdateFunctionUrlConfig"),
      [&deps](const Context& context, Update input) {
        return update(deps, context, std::move(input));
      });
  registry.add<l::op::DeleteFunctionUrlConfig>(
      on_url<Delete>(deps, "lambda:DeleteFunctionUrlConfig"),
      [&deps](const Context& context, Delete input) {
        return remove(deps, context, std::move(input));
      });
  registry.add<l::op::ListFunctionUrlConfigs>(
      on_function<List>(deps, "lambda:ListFunctionUrlConfigs"),
      [&deps](const Context& context, List input) {
        return list(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
