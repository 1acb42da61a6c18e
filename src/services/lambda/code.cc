// UpdateFunctionCode, and where packages come from.
#include <fmt/format.h>

#include "base/log.h"
#include "services/lambda/layers.h"

namespace services::lambda {
namespace {

constexpr std::size_t kUploadBytesMax = 52'428'800;

api::Error too_large(std::string message) {
  return {.code = "RequestEntityTooLargeException",
          .status = 413,
          .message = std::move(message),
          .detail = nullptr};
}

api::Error refused(const base::Error& error) {
  switch (error.code) {
    case base::ErrorCode::kInvalidArgument:
      return l::invalid_parameter_value(
          "Could not unzip uploaded file. Please check your file, then try to upload again.");
    case base::ErrorCode::kLimit:
      return l::invalid_parameter_value(
          fmt::format("Unzipped size must be smaller than {} bytes", kUnpackedBytesMax));
    default: base::log_error("lambda: {}", error.to_string()); return api::internal_failure();
  }
}

Answer<l::FunctionConfiguration> update(const Deps& deps, const Context& context,
                                        l::UpdateFunctionCodeRequest input) {
  const auto target = target_of(context, *input.function_name, std::nullopt);
  if (!target) co_return std::unexpected(target.error());
  const auto before = find_function(deps, *target);
  if (!before) co_return std::unexpected(before.error());
  if (input.image_uri)
    co_return std::unexpected(l::invalid_parameter_value(
        "Please don't provide ImageUri when updating a function with packageType Zip."));
  if (input.publish_to) co_return std::unexpected(not_here("PublishTo"));
  const auto package = co_await take_package(
      deps, context,
      {std::move(input.zip_file), input.s3_bucket, input.s3_key, input.s3_object_version});
  if (!package) co_return std::unexpected(package.error());
  const auto fits = co_await check_unpacked(deps, (*package)->sha256, (*before)->latest.layers);
  if (!fits) co_return std::unexpected(fits.error());
  const bool dry = input.dry_run.value_or(false);
  const bool published = input.publish.value_or(false) && !dry;
  const auto change = [&](Function& function) -> api::Outcome<void> {
    if (input.revision_id && *input.revision_id != function.latest.revision_id)
      return std::unexpected(stale_revision("GetFunction/GetAlias"));
    function.latest.code_sha256 = (*package)->sha256;
    function.latest.code_bytes = (*package)->bytes;
    if (input.architectures) function.latest.architectures = *input.architectures;
    touch(deps, function.latest, true);
    if (published) publish(deps, function, std::nullopt);
    return {};
  };
  if (dry) {
    Function copy = **before;
    const auto changed = change(copy);
    if (!changed) co_return std::unexpected(changed.error());
    co_return render(copy, copy.latest, copy.key.arn());
  }
  const auto changed = co_await deps.catalogue.update(target->key, change);
  if (!changed) co_return std::unexpected(changed.error());
  co_await deps.code.collect([&deps] { return used_packages(deps); });
  const Version& shown = published ? (*changed)->versions.back() : (*changed)->latest;
  co_return render(**changed, shown,
                   published ? (*changed)->key.arn() + ':' + shown.version : (*changed)->key.arn());
}

}  // namespace

async::Task<api::Outcome<functions::PackagePtr>> take_package(const Deps& deps,
                                                              const Context& context,
                                                              CodeParts parts) {
  std::string zip;
  if (parts.zip_file) {
    zip = *std::move(parts.zip_file);
    if (zip.size() > kUploadBytesMax)
      co_return std::unexpected(
          too_large(fmt::format("Zipped size must be smaller than {} bytes", kUploadBytesMax)));
  } else if (parts.bucket && parts.key) {
    auto fetched = co_await deps.packages.fetch(context, *parts.bucket, *parts.key,
                                                parts.object_version.value_or(""));
    if (!fetched && fetched.error().status >= 500)
      co_return std::unexpected(std::move(fetched).error());
    if (!fetched)
      co_return std::unexpected(l::invalid_parameter_value(
          fmt::format("Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
                      fetched.error().code, fetched.error().message)));
    zip = *std::move(fetched);
  } else {
    co_return std::unexpected(
        l::invalid_parameter_value("Please provide a source for function code."));
  }
  // A zip without entries is its own end record.
  if (zip.empty() || zip.starts_with("PK\x05\x06"))
    co_return std::unexpected(l::invalid_parameter_value("Uploaded file must be a non-empty zip"));
  auto package = co_await deps.code.put(std::move(zip));
  if (!package) co_return std::unexpected(refused(package.error()));
  co_return *std::move(package);
}

void register_code(wire::Registry& registry, const Deps& deps) {
  registry.add<l::op::UpdateFunctionCode>(
      on_function<l::UpdateFunctionCodeRequest>(deps, "lambda:UpdateFunctionCode"),
      [&deps](const Context& context, l::UpdateFunctionCodeRequest input) {
        return update(deps, context, std::move(input));
      });
}

}  // namespace services::lambda
