// CopyObject. The copy passes through memory: an object is at most as large as a request body or
// the parts it was made from.
#include "api/s3/operations.h"
#include "services/s3/checksums.h"
#include "services/s3/settings_of.h"
#include "services/s3/source.h"

namespace services::s3 {
namespace {

namespace s = api::s3;

api::Outcome<bool> replaces(const std::optional<std::string>& directive, std::string_view what) {
  if (!directive || *directive == "COPY") return false;
  if (*directive == "REPLACE") return true;
  return std::unexpected(invalid_argument("Unknown " + std::string(what) + " directive.",
                                          "x-amz-" + std::string(what) + "-directive", *directive));
}

// The new object's settings: the request's, with the source's where the directives say so.
api::Outcome<objects::Settings> copied_settings(const objects::Bucket& bucket,
                                                const s::CopyObjectRequest& input,
                                                const objects::Object& source) {
  ASSIGN_OR_RETURN(const bool metadata, replaces(input.metadata_directive, "metadata"));
  ASSIGN_OR_RETURN(const bool tags, replaces(input.tagging_directive, "tagging"));
  ASSIGN_OR_RETURN(objects::Settings settings, settings_of(bucket, input));
  if (!tags) settings.tags = source.settings.tags;
  if (metadata) return settings;
  settings.content_type = source.settings.content_type;
  settings.cache_control = source.settings.cache_control;
  settings.content_disposition = source.settings.content_disposition;
  settings.content_encoding = source.settings.content_encoding;
  settings.content_language = source.settings.content_language;
  settings.expires = source.settings.expires;
  settings.metadata = source.settings.metadata;
  return settings;
}

bool changes_nothing(const s::CopyObjectRequest& input, const Source& source) {
  return source.bucket == *input.bucket && source.key == *input.key &&
         input.metadata_directive.value_or("COPY") == "COPY" && !input.storage_class &&
         !input.website_redirect_location && !input.server_side_encryption;
}

Answer<s::CopyObjectOutput> copy(const Deps& deps, const Context&, s::CopyObjectRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const auto source = parse_source(input.copy_source);
  if (!source) co_return std::unexpected(source.error());
  if (changes_nothing(input, *source))
    co_return std::unexpected(s3_error(
        "InvalidRequest", 400,
        "This copy request is illegal because it is trying to copy an object to itself without "
        "changing the object's metadata, storage class, website redirect location or encryption "
        "attributes."));
  const auto condition = write_condition(input.if_match, input.if_none_match);
  if (!condition) co_return std::unexpected(condition.error());
  auto from = co_await read_source(deps, *source, source_conditions(input), std::nullopt);
  if (!from) co_return std::unexpected(from.error());
  auto settings = copied_settings(**bucket, input, from->object);
  if (!settings) co_return std::unexpected(settings.error());

  std::string algorithm = algorithm_named(input.checksum_algorithm.value_or("")).value_or("");
  if (algorithm.empty()) algorithm = from->object.checksum.algorithm;
  if (algorithm.empty()) algorithm = "CRC64NVME";
  objects::Checksum checksum = checksum_of(algorithm, from->body);
  const std::string key = *input.key;
  const auto made =
      co_await deps.objects.put((*bucket)->name, key, std::move(from->body), *std::move(settings),
                                std::move(checksum), *condition);
  if (!made) co_return std::unexpected(write_error(made.error(), (*bucket)->name, key, *condition));
  s::CopyObjectOutput output;
  output.server_side_encryption = kEncryption;
  auto& result = output.copy_object_result.emplace();
  result.e_tag = quoted(made->etag);
  result.last_modified = made->modified;
  show_checksum(result, made->checksum);
  co_return output;
}

async::Task<api::Outcome<wire::Checks>> may_copy(const Deps& deps, const Context& context,
                                                 const s::CopyObjectRequest& input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) return refused(bucket.error());
  return with_source(deps, context, write_checks(context, **bucket, input), input.copy_source,
                     input.expected_source_bucket_owner);
}

}  // namespace

void register_copying(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::CopyObject>(
      [&deps](const Context& c, const s::CopyObjectRequest& in) { return may_copy(deps, c, in); },
      [&deps](const Context& c, auto in) { return copy(deps, c, std::move(in)); });
}

}  // namespace services::s3
