// PublishVersion, ListVersionsByFunction.
#include <fmt/format.h>

#include "base/encoding.h"
#include "services/lambda/lambda.h"

namespace services::lambda {
namespace {

constexpr std::size_t kPageMax = 50;

Answer<l::FunctionConfiguration> publish_version(const Deps& deps, const Context& context,
                                                 l::PublishVersionRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  if (input.publish_to) co_return std::unexpected(not_here("PublishTo"));
  std::string number;
  const auto changed =
      co_await deps.catalogue.update(target->key, [&](Function& function) -> api::Outcome<void> {
        const std::string current = base::base64(function.latest.code_sha256);
        if (input.code_sha256 && *input.code_sha256 != current)
          return std::unexpected(l::invalid_parameter_value(fmt::format(
              "CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({}). Please try "
              "again with the CodeSHA256 in $LATEST.",
              *input.code_sha256, current)));
        if (input.revision_id && *input.revision_id != function.latest.revision_id)
          return std::unexpected(stale_revision("GetFunction/GetAlias"));
        number = publish(deps, function, input.description).version;
        return {};
      });
  if (!changed) co_return std::unexpected(changed.error());
  const Version* const version = (*changed)->resolve(number);
  CHECK(version != nullptr);
  co_return render(**changed, *version, (*changed)->key.arn() + ':' + number);
}

Answer<l::ListVersionsByFunctionResponse> list(const Deps& deps, const Context& context,
                                               l::ListVersionsByFunctionRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const auto function = find_function(deps, *target);
  if (!function) co_return std::unexpected(function.error());
  const std::string arn = target->key.arn();
  std::vector<const Version*> all{&(*function)->latest};
  for (const Version& version : (*function)->versions) all.push_back(&version);
  std::size_t at = 0;
  if (input.marker)
    while (at < all.size() && all[at]->version != *input.marker) ++at;
  const auto limit =
      std::min<std::size_t>(kPageMax, static_cast<std::size_t>(input.max_items.value_or(kPageMax)));
  l::ListVersionsByFunctionResponse output;
  auto& versions = output.versions.emplace();
  for (; at < all.size() && versions.size() < limit; ++at)
    versions.push_back(render(**function, *all[at], arn + ':' + all[at]->version));
  if (at < all.size()) output.next_marker = all[at]->version;
  co_return output;
}

}  // namespace

const Version& publish(const Deps& deps, Function& function,
                       const std::optional<std::string>& description) {
  if (!function.versions.empty() &&
      function.versions.back().deployment_id == function.latest.deployment_id)
    return function.versions.back();
  Version version = function.latest;
  version.version = std::to_string(function.next_version++);
  version.revision_id = base::uuid(deps.random);
  if (description) version.description = *description;
  function.latest.revision_id = base::uuid(deps.random);
  function.versions.push_back(std::move(version));
  return function.versions.back();
}

void register_versions(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::PublishVersion>(
      on_function<l::PublishVersionRequest>(deps, "lambda:PublishVersion"),
      [&deps](const Context& context, l::PublishVersionRequest input) {
        return publish_version(deps, context, std::move(input));
      });
  registry.add<l::op::ListVersionsByFunction>(
      on_function<l::ListVersionsByFunctionRequest>(deps, "lambda:ListVersionsByFunction"),
      [&deps](const Context& context, l::ListVersionsByFunctionRequest input) {
        return list(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
