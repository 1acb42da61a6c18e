// GetObject, HeadObject, GetObjectAttributes.
#include <fmt/format.h>

#include <algorithm>

#include "api/s3/operations.h"
#include "base/time_text.h"
#include "services/s3/access.h"
#include "services/s3/checksums.h"
#include "services/s3/conditions.h"

namespace services::s3 {
namespace {

namespace s = api::s3;
using objects::Object;

// How often a read begins anew because the object was replaced under it.
constexpr int kReadTriesMax = 5;

template <class Input>
ReadConditions conditions_of(const Input& input) {
  return {.if_match = input.if_match,
          .if_none_match = input.if_none_match,
          .if_modified_since = input.if_modified_since,
          .if_unmodified_since = input.if_unmodified_since};
}

void set_if(std::optional<std::string>& out, const std::string& value) {
  if (!value.empty()) out = value;
}

// What the request wants in place of the object's own headers.
template <class Output, class Input>
void override_headers(Output& output, const Input& input) {
  if (input.response_cache_control) output.cache_control = input.response_cache_control;
  if (input.response_content_disposition)
    output.content_disposition = input.response_content_disposition;
  if (input.response_content_encoding) output.content_encoding = input.response_content_encoding;
  if (input.response_content_language) output.content_language = input.response_content_language;
  if (input.response_content_type) output.content_type = input.response_content_type;
  if (input.response_expires) output.expires = base::http_date(*input.response_expires);
}

template <class Output>
void show_object(Output& output, const Object& object) {
  const objects::Settings& settings = object.settings;
  output.accept_ranges = "bytes";
  output.last_modified = object.modified;
  output.e_tag = quoted(object.etag);
  set_if(output.content_type, settings.content_type);
  set_if(output.cache_control, settings.cache_control);
  set_if(output.content_disposition, settings.content_disposition);
  set_if(output.content_encoding, settings.content_encoding);
  set_if(output.content_language, settings.content_language);
  set_if(output.expires, settings.expires);
  set_if(output.website_redirect_location, settings.website_redirect);
  if (settings.storage_class != "STANDARD") output.storage_class = settings.storage_class;
  if (!settings.metadata.empty()) output.metadata = settings.metadata;
  if (!settings.tags.empty()) output.tag_count = static_cast<std::int32_t>(settings.tags.size());
  output.server_side_encryption = kEncryption;
}

// The bytes asked for, by range or by part.
template <class Input>
api::Outcome<std::optional<Range>> range_of(const Object& object, const Input& input) {
  if (!input.part_number) return parse_range(input.range, object.size);
  if (input.range)
    return std::unexpected(s3_error("InvalidRequest", 400,
                                    "Cannot specify both Range header and partNumber query "
                                    "parameter"));
  const std::size_t count = object.in_parts ? object.blobs.size() : 1;
  const std::int32_t number = *input.part_number;
  if (number < 1 || static_cast<std::size_t>(number) > count)
    return std::unexpected(s3_error("InvalidPartNumber", 416,
                                    "The requested partnumber is not satisfiable",
                                    {{"PartNumberRequested", std::to_string(number)},
                                     {"ActualPartCount", std::to_string(count)}}));
  if (!object.in_parts) return std::nullopt;
  Range range;
  for (std::int32_t i = 0; i < number - 1; ++i) range.offset += object.blobs[i].size;
  range.size = object.blobs[number - 1].size;
  return range;
}

// Everything but the body. Answers which bytes are meant.
template <class Output, class Input>
api::Outcome<Range> answer_head(Output& output, const Object& object, const Input& input) {
  RETURN_IF_ERROR(check_read(object, conditions_of(input)));
  ASSIGN_OR_RETURN(const std::optional<Range> part, range_of(object, input));
  const Range range = part.value_or(Range{.offset = 0, .size = object.size});
  show_object(output, object);
  override_headers(output, input);
  output.content_length = static_cast<std::int64_t>(range.size);
  if (part)
    output.content_range = range.size == 0
                               ? fmt::format("bytes */{}", object.size)
                               : fmt::format("bytes {}-{}/{}", range.offset,
                                             range.offset + range.size - 1, object.size);
  if (input.part_number && object.in_parts)
    output.parts_count = static_cast<std::int32_t>(object.blobs.size());
  if (input.checksum_mode == "ENABLED" && !part) show_checksum(output, object.checksum);
  return range;
}

template <class Input>
api::Outcome<void> check_input(const Context& context, const Input& input) {
  RETURN_IF_ERROR(check_version(input.version_id));
  RETURN_IF_ERROR(check_encryption(input));
  const bool overrides = input.response_cache_control || input.response_content_disposition ||
                         input.response_content_encoding || input.response_content_language ||
                         input.response_content_type || input.response_expires;
  if (overrides && context.principal->kind == auth::PrincipalKind::kAnonymous)
    return std::unexpected(
        s3_error("InvalidRequest", 400,
                 "Request specific response headers cannot be used for anonymous GET requests."));
  return {};
}

Answer<s::GetObjectOutput> get(const Deps& deps, const Context& context,
                               s::GetObjectRequest input) {
  const auto fine = check_input(context, input);
  if (!fine) co_return std::unexpected(fine.error());
  const std::string bucket = input.bucket.value_or("");
  const std::string key = input.key.value_or("");
  for (int tries = 0; tries < kReadTriesMax; ++tries) {
    const auto object = co_await deps.objects.find(bucket, key);
    if (!object) co_return std::unexpected(to_api_error(object.error(), bucket, key));
    const std::string& storage = object->settings.storage_class;
    if (storage == "GLACIER" || storage == "DEEP_ARCHIVE")
      co_return std::unexpected(s3_error(
          "InvalidObjectState", 403, "The operation is not valid for the object's storage class",
          {{"StorageClass", storage}}));
    s::GetObjectOutput output;
    const auto range = answer_head(output, *object, input);
    if (!range) co_return std::unexpected(range.error());
    auto body = co_await deps.objects.read(*object, range->offset, range->size);
    if (!body && body.error().code == base::ErrorCode::kConflict) continue;
    if (!body) co_return std::unexpected(to_api_error(body.error(), bucket, key));
    output.body = *std::move(body);
    co_return output;
  }
  co_return std::unexpected(s3_error("SlowDown", 503, "Please reduce your request rate."));
}

Answer<s::HeadObjectOutput> head(const Deps& deps, const Context& context,
                                 s::HeadObjectRequest input) {
  const auto fine = check_input(context, input);
  if (!fine) co_return std::unexpected(fine.error());
  const std::string bucket = input.bucket.value_or("");
  const std::string key = input.key.value_or("");
  const auto object = co_await deps.objects.find(bucket, key);
  if (!object) co_return std::unexpected(to_api_error(object.error(), bucket, key));
  s::HeadObjectOutput output;
  const auto range = answer_head(output, *object, input);
  if (!range) co_return std::unexpected(range.error());
  co_return output;
}

Answer<s::GetObjectAttributesOutput> attributes(const Deps& deps, const Context&,
                                                s::GetObjectAttributesRequest input) {
  const auto version = check_version(input.version_id);
  if (!version) co_return std::unexpected(version.error());
  const std::string bucket = input.bucket.value_or("");
  const std::string key = input.key.value_or("");
  const auto object = co_await deps.objects.find(bucket, key);
  if (!object) co_return std::unexpected(to_api_error(object.error(), bucket, key));
  const auto asked = [&](std::string_view name) {
    return input.object_attributes &&
           std::ranges::find(*input.object_attributes, name) != input.object_attributes->end();
  };
  s::GetObjectAttributesOutput output;
  output.last_modified = object->modified;
  if (asked("ETag")) output.e_tag = object->etag;
  if (asked("ObjectSize")) output.object_size = static_cast<std::int64_t>(object->size);
  if (asked("StorageClass")) output.storage_class = object->settings.storage_class;
  if (asked("Checksum") && !object->checksum.algorithm.empty())
    show_checksum(output.checksum.emplace(), object->checksum);
  if (asked("ObjectParts") && object->in_parts)
    output.object_parts.emplace().total_parts_count =
        static_cast<std::int32_t>(object->blobs.size());
  co_return output;
}

template <class Input>
auto may_read(const Deps& deps, std::vector<std::string> extra = {}) {
  return [&deps, extra](const Context& context,
                        const Input& input) -> async::Task<api::Outcome<wire::Checks>> {
    auto bucket = bucket_of(deps, input);
    if (!bucket) return refused(bucket.error());
    std::vector<std::string> actions{input.version_id ? "s3:GetObjectVersion" : "s3:GetObject"};
    std::ranges::copy(extra, std::back_inserter(actions));
    return read_checks(deps, context, *std::move(bucket), input.key.value_or(""),
                       std::move(actions));
  };
}

}  // namespace

void register_reading(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::GetObject>(
      may_read<s::GetObjectRequest>(deps),
      [&deps](const Context& c, auto in) { return get(deps, c, std::move(in)); });
  registry.add<s::op::HeadObject>(
      may_read<s::HeadObjectRequest>(deps),
      [&deps](const Context& c, auto in) { return head(deps, c, std::move(in)); });
  registry.add<s::op::GetObjectAttributes>(
      may_read<s::GetObjectAttributesRequest>(deps, {"s3:GetObjectAttributes"}),
      [&deps](const Context& c, auto in) { return attributes(deps, c, std::move(in)); });
}

}  // namespace services::s3
