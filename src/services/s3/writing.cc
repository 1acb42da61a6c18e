// PutObject, and what it shares with the other ways to make an object.
#include <algorithm>
#include <array>

#include "api/s3/operations.h"
#include "services/s3/checksums.h"
#include "services/s3/conditions.h"
#include "services/s3/settings_of.h"

namespace services::s3 {

std::string object_encoding(const std::string& content_encoding) {
  std::string kept;
  std::string_view rest = content_encoding;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item.empty() || item == "aws-chunked") continue;
    if (!kept.empty()) kept += ',';
    kept += item;
  }
  return kept;
}

api::Outcome<void> check_storage_class(const std::string& name) {
  constexpr std::array<std::string_view, 8> kClasses = {
      "STANDARD",   "REDUCED_REDUNDANCY",  "STANDARD_IA",  "ONEZONE_IA",
      "GLACIER_IR", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER"};
  if (std::ranges::find(kClasses, name) != kClasses.end()) return {};
  return std::unexpected(s3_error("InvalidStorageClass", 400,
                                  "The storage class you specified is not valid",
                                  {{"StorageClassRequested", name}}));
}

api::Outcome<void> check_metadata(const std::map<std::string, std::string>& metadata) {
  constexpr std::size_t kMetadataBytesMax = 2UL << 10;
  std::size_t bytes = 0;
  for (const auto& [name, value] : metadata) bytes += name.size() + value.size();
  if (bytes <= kMetadataBytesMax) return {};
  return std::unexpected(s3_error(
      "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size",
      {{"Size", std::to_string(bytes)}, {"MaxSizeAllowed", std::to_string(kMetadataBytesMax)}}));
}

api::Outcome<void> check_key(const std::string& key) {
  if (key.empty())
    return std::unexpected(s3_error("InvalidURI", 400, "Couldn't parse the specified URI."));
  if (key.size() <= objects::kKeyBytesMax) return {};
  return std::unexpected(s3_error("KeyTooLongError", 400, "Your key is too long",
                                  {{"Size", std::to_string(key.size())},
                                   {"MaxSizeAllowed", std::to_string(objects::kKeyBytesMax)}}));
}

api::Error write_error(const base::Error& error, const std::string& bucket, const std::string& key,
                       const objects::Condition& condition) {
  if (error.code == base::ErrorCode::kConflict)
    return precondition_failed(condition.absent ? "If-None-Match" : "If-Match");
  if (error.code == base::ErrorCode::kNotFound && !condition.etag) return no_such_bucket(bucket);
  return to_api_error(error, bucket, key);
}

namespace {

namespace s = api::s3;

// What every object gets that asks for no other.
constexpr std::string_view kDefaultAlgorithm = "CRC64NVME";

Answer<s::PutObjectOutput> put(const Deps& deps, const Context& context,
                               s::PutObjectRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  if (input.write_offset_bytes)
    co_return std::unexpected(not_implemented("x-amz-write-offset-bytes"));
  const auto condition = write_condition(input.if_match, input.if_none_match);
  if (!condition) co_return std::unexpected(condition.error());
  auto settings = settings_of(**bucket, input);
  if (!settings) co_return std::unexpected(settings.error());
  std::string body = std::move(input.body).value_or("");
  objects::Checksum checksum =
      checksum_of(algorithm_of(context, input).value_or(std::string(kDefaultAlgorithm)), body);
  const std::string key = *input.key;
  const auto made = co_await deps.objects.put(
      (*bucket)->name, key, std::move(body), *std::move(settings), std::move(checksum), *condition);
  if (!made) co_return std::unexpected(write_error(made.error(), (*bucket)->name, key, *condition));
  s::PutObjectOutput output;
  output.e_tag = quoted(made->etag);
  output.server_side_encryption = kEncryption;
  show_checksum(output, made->checksum);
  co_return output;
}

api::Outcome<wire::Checks> may_put(const Deps& deps, const Context& context,
                                   const s::PutObjectRequest& input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) return std::unexpected(bucket.error());
  return write_checks(context, **bucket, input);
}

}  // namespace

void register_writing(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::PutObject>(
      [&deps](const Context& c, const s::PutObjectRequest& in) { return may_put(deps, c, in); },
      [&deps](const Context& c, auto in) { return put(deps, c, std::move(in)); });
}

}  // namespace services::s3
