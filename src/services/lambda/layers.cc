// PublishLayerVersion, GetLayerVersion(ByArn), ListLayers, ListLayerVersions, DeleteLayerVersion,
// AddLayerVersionPermission, RemoveLayerVersionPermission, GetLayerVersionPolicy.
#include "services/lambda/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "auth/policy.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace services::lambda {
namespace {

namespace json = boost::json;
using functions::Layer;
using functions::LayerPtr;
using functions::LayerVersion;

constexpr std::size_t kPageMax = 50;
constexpr std::size_t kPolicyBytesMax = 20'480;

api::Error no_resource() {
  return l::resource_not_found("The resource you requested does not exist.");
}
api::Error no_version(const std::string& arn) {
  return l::resource_not_found(fmt::format("Layer version {} does not exist.", arn));
}

// 2026-11-23T06:19:01.000+0000
std::string created_text(base::Timestamp time) {
  std::string text = base::iso8601_ms(time);
  text.pop_back();
  return text + "+0000";
}

template <class Output>
void describe(const Layer& layer, const LayerVersion& version, Output& out) {
  out.layer_version_arn = layer.version_arn(version.number);
  out.version = static_cast<std::int64_t>(version.number);
  out.description = version.description;
  out.created_date = created_text(version.created);
  out.compatible_runtimes = version.runtimes;
  out.compatible_architectures = version.architectures;
  if (!version.license.empty()) out.license_info = version.license;
}

template <class Output>
Output describe_whole(const Deps& deps, const Context& context, const Layer& layer,
                      const LayerVersion& version) {
  Output out;
  describe(layer, version, out);
  out.layer_arn = layer.arn();
  auto& content = out.content.emplace();
  content.code_sha256 = base::base64(version.code_sha256);
  content.code_size = static_cast<std::int64_t>(version.code_bytes);
  const std::string location = deps.packages.location(context, version.code_sha256);
  if (!location.empty()) content.location = location;
  return out;
}

bool matches(const LayerVersion& version, const std::optional<std::string>& runtime,
             const std::optional<std::string>& architecture) {
  const auto has = [](const std::vector<std::string>& all, const std::string& one) {
    return std::ranges::find(all, one) != all.end();
  };
  return (!runtime || has(version.runtimes, *runtime)) &&
         (!architecture || has(version.architectures, *architecture));
}

struct FoundLayer {
  LayerPtr layer;
  const LayerVersion* version;
};
std::optional<FoundLayer> find_layer(const Deps& deps, const LayerTarget& target) {
  LayerPtr layer = deps.layers.find(target.key);
  const LayerVersion* const version = layer == nullptr ? nullptr : layer->find(target.version);
  if (version == nullptr) return std::nullopt;
  return FoundLayer{std::move(layer), version};
}

api::Outcome<LayerTarget> numbered(const Context& context, const std::string& name,
                                   std::int64_t number) {
  if (number < 1)
    return std::unexpected(l::invalid_parameter_value("Layer Version Cannot be less than 1"));
  LayerTarget target = layer_target(context, name);
  target.version = static_cast<std::uint64_t>(number);
  return target;
}

// "lambda:X" on the layer version that the input names.
template <class Input>
auto on_layer_version(const Deps& deps, std::string action) {
  return [&deps, action = std::move(action)](const Context& context,
                                             const Input& input) -> api::Outcome<wire::Checks> {
    auto target = numbered(context, *input.layer_name, *input.version_number);
    if (!target) return std::unexpected(target.error());
    return wire::Checks{layer_check(deps, action, *target)};
  };
}
template <class Input>
auto on_layer(std::string action) {
  return [action = std::move(action)](const Context& context, const Input& input) {
    auth::Check check{.action = action, .resource = layer_target(context, *input.layer_name).arn()};
    return wire::Checks{std::move(check)};
  };
}

Answer<l::PublishLayerVersionResponse> publish(const Deps& deps, const Context& context,
                                               l::PublishLayerVersionRequest input) {
  const LayerTarget target = layer_target(context, *input.layer_name);
  if (target.key.region != context.region || target.key.account_id != context.account_id)
    co_return std::unexpected(no_resource());
  const auto package =
      co_await take_package(deps, context,
                            {std::move(input.content->zip_file), input.content->s3_bucket,
                             input.content->s3_key, input.content->s3_object_version});
  if (!package) co_return std::unexpected(package.error());
  LayerVersion version;
  version.description = input.description.value_or("");
  version.license = input.license_info.value_or("");
  version.runtimes = input.compatible_runtimes.value_or(std::vector<std::string>());
  version.architectures = input.compatible_architectures.value_or(std::vector<std::string>());
  version.code_sha256 = (*package)->sha256;
  version.code_bytes = (*package)->bytes;
  version.created = deps.clock.now();
  std::uint64_t number = 0;
  const auto changed =
      co_await deps.layers.update(target.key, [&](Layer& layer) -> api::Outcome<void> {
        number = layer.next_version++;
        version.number = number;
        layer.versions.emplace(number, version);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_return describe_whole<l::PublishLayerVersionResponse>(deps, context, **changed,
                                                           *(*changed)->find(number));
}

Answer<l::GetLayerVersionResponse> get(const Deps& deps, const Context& context,
                                       LayerTarget target) {
  const auto found = find_layer(deps, target);
  if (!found) co_return std::unexpected(no_resource());
  co_return describe_whole<l::GetLayerVersionResponse>(deps, context, *found->layer,
                                                       *found->version);
}

Answer<l::ListLayersResponse> list(const Deps& deps, const Context& context,
                                   l::ListLayersRequest input) {
  std::vector<l::LayersListItem> all;
  for (const LayerPtr& layer : deps.layers.list(context.account_id, context.region)) {
    const LayerVersion* latest = nullptr;
    for (const auto& [number, version] : layer->versions)
      if (matches(version, input.compatible_runtime, input.compatible_architecture))
        latest = &version;
    if (latest == nullptr) continue;
    l::LayersListItem item;
    item.layer_name = layer->key.name;
    item.layer_arn = layer->arn();
    describe(*layer, *latest, item.latest_matching_version.emplace());
    all.push_back(std::move(item));
  }
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  auto [page, next] = page_of(std::move(all), input.marker, limit,
                              [](const auto& item) { return *item.layer_name; });
  l::ListLayersResponse output;
  output.layers = std::move(page);
  output.next_marker = std::move(next);
  co_return output;
}

// The newest first; the marker is the number of the last one before it.
Answer<l::ListLayerVersionsResponse> list_versions(const Deps& deps, const Context& context,
                                                   l::ListLayerVersionsRequest input) {
  l::ListLayerVersionsResponse output;
  auto& page = output.layer_versions.emplace();
  const LayerPtr layer = deps.layers.find(layer_target(context, *input.layer_name).key);
  if (layer == nullptr) co_return output;
  std::uint64_t before = UINT64_MAX;
  if (input.marker)
    std::from_chars(input.marker->data(), input.marker->data() + input.marker->size(), before);
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  for (auto at = layer->versions.rbegin(); at != layer->versions.rend(); ++at) {
    if (at->first >= before ||
        !matches(at->second, input.compatible_runtime, input.compatible_architecture))
      continue;
    if (page.size() == limit) {
      output.next_marker = std::to_string(*page.back().version);
      break;
    }
    describe(*layer, at->second, page.emplace_back());
  }
  co_return output;
}

// Success too if there is none.
Answer<l::DeleteLayerVersionOutput> remove(const Deps& deps, const Context& context,
                                           l::DeleteLayerVersionRequest input) {
  const auto target = numbered(context, *input.layer_name, *input.version_number);
  if (!target) co_return std::unexpected(target.error());
  if (!find_layer(deps, *target)) co_return l::DeleteLayerVersionOutput();
  const auto changed =
      co_await deps.layers.update(target->key, [&](Layer& layer) -> api::Outcome<void> {
        layer.versions.erase(target->version);
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  co_await deps.code.collect([&deps] { return used_packages(deps); });
  co_return l::DeleteLayerVersionOutput();
}

// In AWS's order of members.
std::string make_statement(const l::AddLayerVersionPermissionRequest& input,
                           const std::string& resource) {
  json::value principal = "*";
  if (*input.principal != "*") {
    const bool account = !input.principal->starts_with("arn:");
    principal = {{"AWS", account ? auth::root_arn(*input.principal) : *input.principal}};
  }
  json::object statement{{"Sid", *input.statement_id},
                         {"Effect", "Allow"},
                         {"Principal", std::move(principal)},
                         {"Action", *input.action},
                         {"Resource", resource}};
  if (input.organization_id)
    statement["Condition"] = json::object{
        {"StringEquals", json::object{{"aws:PrincipalOrgID", *input.organization_id}}}};
  return json::serialize(statement);
}

// Runs `change` on a version's policy, which gets a new revision.
template <class Change>
async::Task<api::Outcome<LayerPtr>> change_policy(const Deps& deps, LayerTarget target,
                                                  std::optional<std::string> expected,
                                                  Change change) {
  return deps.layers.update(target.key,
                            [&deps, target, expected, change](Layer& layer) -> api::Outcome<void> {
                              const auto found = layer.versions.find(target.version);
                              if (found == layer.versions.end())
                                return std::unexpected(no_version(target.arn()));
                              functions::ResourcePolicy& policy = found->second.policy;
                              if (expected && *expected != policy.revision_id)
                                return std::unexpected(stale_revision("GetLayerPolicy"));
                              auto changed = change(policy);
                              if (changed) policy.revision_id = base::uuid(deps.random);
                              return changed;
                            });
}

Answer<l::AddLayerVersionPermissionResponse> add_permission(
    const Deps& deps, const Context& context, l::AddLayerVersionPermissionRequest input) {
  const auto target = numbered(context, *input.layer_name, *input.version_number);
  if (!target) co_return std::unexpected(target.error());
  const std::string statement = make_statement(input, target->arn());
  if (!find_layer(deps, *target)) co_return std::unexpected(no_version(target->arn()));
  const auto add = [id = *input.statement_id,
                    statement](functions::ResourcePolicy& policy) -> api::Outcome<void> {
    if (std::ranges::find(policy.permissions, id, &functions::Permission::statement_id) !=
        policy.permissions.end())
      return std::unexpected(l::resource_conflict(
          fmt::format("The statement id ({}) provided already exists. Please provide a new "
                      "statement id, or remove the existing statement.",
                      id)));
    policy.permissions.push_back({id, statement});
    if (policy.document().size() > kPolicyBytesMax)
      return std::unexpected(
          l::policy_length_exceeded("The final policy size is bigger than the limit (20480)."));
    return {};
  };
  const auto changed = co_await change_policy(deps, *target, input.revision_id, add);
  if (!changed) co_return std::unexpected(changed.error());
  l::AddLayerVersionPermissionResponse output;
  output.statement = statement;
  output.revision_id = (*changed)->find(target->version)->policy.revision_id;
  co_return output;
}

Answer<l::RemoveLayerVersionPermissionOutput> remove_permission(
    const Deps& deps, const Context& context, l::RemoveLayerVersionPermissionRequest input) {
  const auto target = numbered(context, *input.layer_name, *input.version_number);
  if (!target) co_return std::unexpected(target.error());
  if (!find_layer(deps, *target)) co_return std::unexpected(no_version(target->arn()));
  const auto drop =
      [id = *input.statement_id](functions::ResourcePolicy& policy) -> api::Outcome<void> {
    const auto gone = std::erase_if(
        policy.permissions, [&](const auto& permission) { return permission.statement_id == id; });
    if (gone > 0) return {};
    return std::unexpected(
        l::resource_not_found(fmt::format("Statement {} is not found in resource policy.", id)));
  };
  const auto changed = co_await change_policy(deps, *target, input.revision_id, drop);
  if (!changed) co_return std::unexpected(changed.error());
  co_return l::RemoveLayerVersionPermissionOutput();
}

Answer<l::GetLayerVersionPolicyResponse> get_policy(const Deps& deps, const Context& context,
                                                    l::GetLayerVersionPolicyRequest input) {
  const auto target = numbered(context, *input.layer_name, *input.version_number);
  if (!target) co_return std::unexpected(target.error());
  const auto found = find_layer(deps, *target);
  if (!found) co_return std::unexpected(no_version(target->arn()));
  const functions::ResourcePolicy& policy = found->version->policy;
  if (policy.permissions.empty())
    co_return std::unexpected(
        l::resource_not_found("No policy is associated with the given resource."));
  l::GetLayerVersionPolicyResponse output;
  output.policy = policy.document();
  output.revision_id = policy.revision_id;
  co_return output;
}

void register_layer_policies(wire::Registry& registry, const Deps& deps) {
  using Add = l::AddLayerVersionPermissionRequest;
  using Remove = l::RemoveLayerVersionPermissionRequest;
  using Get = l::GetLayerVersionPolicyRequest;
  registry.add<l::op::AddLayerVersionPermission>(
      on_layer_version<Add>(deps, "lambda:AddLayerVersionPermission"),
      [&deps](const Context& context, Add input) {
        return add_permission(deps, context, std::move(input));
      });
  registry.add<l::op::RemoveLayerVersionPermission>(
      on_layer_version<Remove>(deps, "lambda:RemoveLayerVersionPermission"),
      [&deps](const Context& context, Remove input) {
        return remove_permission(deps, context, std::move(input));
      });
  registry.add<l::op::GetLayerVersionPolicy>(
      on_layer_version<Get>(deps, "lambda:GetLayerVersionPolicy"),
      [&deps](const Context& context, Get input) {
        return get_policy(deps, context, std::move(input));
      });
}

}  // namespace

std::string LayerTarget::arn() const {
  std::string out =
      fmt::format("arn:aws:lambda:{}:{}:layer:{}", key.region, key.account_id, key.name);
  return version == 0 ? out : out + ':' + std::to_string(version);
}

LayerTarget layer_target(const Context& context, const std::string& name) {
  LayerTarget target{{context.account_id, context.region, name}, 0};
  const auto parts = auth::parse_arn(name);
  constexpr std::string_view kLayer = "layer:";
  if (!parts || !parts->resource.starts_with(kLayer)) return target;
  target.key.region = std::string(parts->region);
  target.key.account_id = std::string(parts->account);
  const std::string_view rest = parts->resource.substr(kLayer.size());
  const std::size_t colon = rest.find(':');
  target.key.name = std::string(rest.substr(0, colon));
  if (colon == std::string_view::npos) return target;
  const std::string_view number = rest.substr(colon + 1);
  std::from_chars(number.data(), number.data() + number.size(), target.version);
  return target;
}

auth::Check layer_check(const Deps& deps, std::string action, const LayerTarget& target) {
  auth::Check check{.action = std::move(action), .resource = target.arn()};
  check.resource_account = target.key.account_id;
  const auto found = find_layer(deps, target);
  if (!found || found->version->policy.permissions.empty()) return check;
  auto parsed =
      auth::parse_shared_policy(found->version->policy.document(), auth::PolicyKind::kResource);
  if (parsed) check.resource_policy = *std::move(parsed);
  return check;
}

std::set<std::string> used_packages(const Deps& deps) {
  std::set<std::string> used = deps.catalogue.packages();
  used.merge(deps.layers.packages());
  return used;
}

async::Task<api::Outcome<UsedLayers>> take_layers(const Deps& deps, Context context,
                                                  std::vector<std::string> arns) {
  if (arns.size() > functions::kLayersPerFunctionMax)
    co_return std::unexpected(l::invalid_parameter_value(
        fmt::format("Cannot reference more than {} layers.", functions::kLayersPerFunctionMax)));
  UsedLayers taken;
  std::map<FunctionKey, std::string> seen;
  for (const std::string& arn : arns) {
    const LayerTarget target = layer_target(context, arn);
    if (target.key.region != context.region)
      co_return std::unexpected(l::invalid_parameter_value(
          fmt::format("Layers are not in the same region as the function. Layers are expected to "
                      "be in region {}.",
                      context.region)));
    const auto found = find_layer(deps, target);
    if (!found)
      co_return std::unexpected(
          l::invalid_parameter_value(fmt::format("Layer version {} does not exist.", arn)));
    const auto [first, fresh] = seen.emplace(target.key, arn);
    if (!fresh)
      co_return std::unexpected(l::invalid_parameter_value(
          fmt::format("Two different versions of the same layer are not allowed to be referenced "
                      "in the same function. {} and {} are versions of the same layer.",
                      first->second, arn)));
    auto package = co_await deps.code.find(found->version->code_sha256);
    if (!package) co_return std::unexpected(api::internal_failure());
    taken.uses.push_back({arn, found->version->code_sha256, found->version->code_bytes});
    taken.packages.push_back(*std::move(package));
  }
  co_return taken;
}

async::Task<api::Outcome<void>> check_unpacked(const Deps& deps, std::string code_sha256,
                                               std::vector<functions::LayerUse> layers) {
  if (layers.empty()) co_return api::Outcome<void>();
  std::vector<std::string> parts{std::move(code_sha256)};
  for (const functions::LayerUse& layer : layers) parts.push_back(layer.code_sha256);
  std::uint64_t total = 0;
  for (const std::string& sha256 : parts) {
    auto package = co_await deps.code.find(sha256);
    if (!package) co_return std::unexpected(api::internal_failure());
    const auto bytes = co_await deps.code.unpacked_bytes(*std::move(package));
    if (!bytes) co_return std::unexpected(api::internal_failure());
    total += *bytes;
  }
  if (total > kUnpackedBytesMax)
    co_return std::unexpected(l::invalid_parameter_value(
        fmt::format("Function code combined with layers exceeds the maximum allowed size of {} "
                    "bytes. The actual size is {} bytes.",
                    kUnpackedBytesMax, total)));
  co_return api::Outcome<void>();
}

void register_layers(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::PublishLayerVersion>(
      on_layer<l::PublishLayerVersionRequest>("lambda:PublishLayerVersion"),
      [&deps](const Context& context, l::PublishLayerVersionRequest input) {
        return publish(deps, context, std::move(input));
      });
  registry.add<l::op::GetLayerVersion>(
      on_layer_version<l::GetLayerVersionRequest>(deps, "lambda:GetLayerVersion"),
      [&deps](const Context& context, l::GetLayerVersionRequest input) {
        LayerTarget target = layer_target(context, *input.layer_name);
        target.version = static_cast<std::uint64_t>(*input.version_number);
        return get(deps, context, std::move(target));
      });
  registry.add<l::op::GetLayerVersionByArn>(
      [&deps](const Context& context, const l::GetLayerVersionByArnRequest& input) {
        return wire::Checks{
            layer_check(deps, "lambda:GetLayerVersion", layer_target(context, *input.arn))};
      },
      [&deps](const Context& context, l::GetLayerVersionByArnRequest input) {
        return get(deps, context, layer_target(context, *input.arn));
      });
  registry.add<l::op::ListLayers>(
      [](const Context&, const l::ListLayersRequest&) {
        return wire::Checks{any_resource("lambda:ListLayers")};
      },
      [&deps](const Context& context, l::ListLayersRequest input) {
        return list(deps, context, std::move(input));
      });
  registry.add<l::op::ListLayerVersions>(
      on_layer<l::ListLayerVersionsRequest>("lambda:ListLayerVersions"),
      [&deps](const Context& context, l::ListLayerVersionsRequest input) {
        return list_versions(deps, context, std::move(input));
      });
  registry.add<l::op::DeleteLayerVersion>(
      on_layer_version<l::DeleteLayerVersionRequest>(deps, "lambda:DeleteLayerVersion"),
      [&deps](const Context& context, l::DeleteLayerVersionRequest input) {
        return remove(deps, context, std::move(input));
      });
  register_layer_policies(registry, deps);
}

}  // namespace services::lambda
