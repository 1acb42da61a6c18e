// Uploads in parts.
#include <fmt/format.h>

#include <algorithm>

#include "api/s3/operations.h"
#include "base/encoding.h"
#include "services/s3/checksums.h"
#include "services/s3/completing.h"
#include "services/s3/settings_of.h"
#include "services/s3/source.h"
#include "wire/http_types.h"

namespace services::s3 {
namespace {

namespace s = api::s3;
using objects::Upload;

constexpr std::int32_t kPageMax = 1000;
// Of uploads that ask for none: kept so that the whole object has one.
constexpr std::string_view kDefaultAlgorithm = "CRC64NVME";

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return text;
}

api::Error upload_error(const base::Error& error, const std::string& bucket,
                        const std::string& id) {
  if (error.code == base::ErrorCode::kNotFound) return no_such_upload(id);
  return to_api_error(error, bucket, "");
}

// ---- CreateMultipartUpload

api::Outcome<void> set_checksum(Upload& upload, const s::CreateMultipartUploadRequest& input) {
  const auto refuse = [](std::string message) {
    return std::unexpected(s3_error("InvalidRequest", 400, std::move(message)));
  };
  if (!input.checksum_algorithm) {
    if (!input.checksum_type) return {};
    return refuse(
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
        "header.");
  }
  const auto algorithm = algorithm_named(*input.checksum_algorithm);
  if (!algorithm)
    return refuse(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
        "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
  const bool whole_only = *algorithm == "CRC64NVME";
  const bool parts_only = algorithm->starts_with("SHA");
  const std::string type = input.checksum_type.value_or(whole_only ? "FULL_OBJECT" : "COMPOSITE");
  if (type != "FULL_OBJECT" && type != "COMPOSITE")
    return refuse("Value for x-amz-checksum-type header is invalid.");
  if ((whole_only && type == "COMPOSITE") || (parts_only && type == "FULL_OBJECT"))
    return refuse(fmt::format("The {} checksum type cannot be used with the {} checksum algorithm.",
                              type, lower(*algorithm)));
  upload.checksum_algorithm = *algorithm;
  upload.composite = type == "COMPOSITE";
  return {};
}

Answer<s::CreateMultipartUploadOutput> create(const Deps& deps, const Context& context,
                                              s::CreateMultipartUploadRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  auto settings = settings_of(**bucket, input);
  if (!settings) co_return std::unexpected(settings.error());
  Upload upload{.key = *input.key,
                .id = {},
                .started = {},
                .initiator = context.principal->arn,
                .settings = *std::move(settings)};
  const auto checked = set_checksum(upload, input);
  if (!checked) co_return std::unexpected(checked.error());
  const auto made = co_await deps.objects.start_upload((*bucket)->name, std::move(upload));
  if (!made) co_return std::unexpected(to_api_error(made.error(), (*bucket)->name, ""));
  s::CreateMultipartUploadOutput output;
  output.bucket = (*bucket)->name;
  output.key = made->key;
  output.upload_id = made->id;
  output.server_side_encryption = kEncryption;
  if (!made->checksum_algorithm.empty()) {
    output.checksum_algorithm = made->checksum_algorithm;
    output.checksum_type = made->composite ? "COMPOSITE" : "FULL_OBJECT";
  }
  co_return output;
}

// ---- UploadPart, UploadPartCopy

template <class Input>
api::Outcome<std::uint16_t> part_number(const Input& input) {
  const std::int32_t number = input.part_number.value_or(0);
  if (number < 1 || number > objects::kPartNumberMax)
    return std::unexpected(
        invalid_argument("Part number must be an integer between 1 and 10000, inclusive",
                         "partNumber", std::to_string(number)));
  return static_cast<std::uint16_t>(number);
}

Answer<s::UploadPartOutput> upload_part(const Deps& deps, const Context& context,
                                        s::UploadPartRequest input) {
  const auto number = part_number(input);
  if (!number) co_return std::unexpected(number.error());
  const auto encryption = check_encryption(input);
  if (!encryption) co_return std::unexpected(encryption.error());
  const std::string bucket = *input.bucket;
  const std::string id = input.upload_id.value_or("");
  const auto upload = co_await deps.objects.find_upload(bucket, *input.key, id);
  if (!upload) co_return std::unexpected(upload_error(upload.error(), bucket, id));
  const auto given = algorithm_of(context, input);
  const std::string& asked = upload->checksum_algorithm;
  if (given && !asked.empty() && *given != asked)
    co_return std::unexpected(
        s3_error("InvalidRequest", 400,
                 fmt::format("Checksum Type mismatch occurred, expected checksum Type: {}, actual "
                             "checksum Type: {}",
                             lower(asked), lower(*given))));
  std::string body = std::move(input.body).value_or("");
  objects::Checksum kept =
      checksum_of(asked.empty() ? std::string(kDefaultAlgorithm) : asked, body);
  objects::Checksum shown;
  if (given) shown = *given == kept.algorithm ? kept : checksum_of(*given, body);
  const auto part = co_await deps.objects.put_part(bucket, *input.key, id, *number, std::move(body),
                                                   std::move(kept));
  if (!part) co_return std::unexpected(upload_error(part.error(), bucket, id));
  s::UploadPartOutput output;
  output.e_tag = quoted(part->etag);
  output.server_side_encryption = kEncryption;
  show_checksum(output, shown);
  co_return output;
}

Answer<s::UploadPartCopyOutput> copy_part(const Deps& deps, const Context&,
                                          s::UploadPartCopyRequest input) {
  const auto number = part_number(input);
  if (!number) co_return std::unexpected(number.error());
  const std::string bucket = *input.bucket;
  const std::string id = input.upload_id.value_or("");
  const auto upload = co_await deps.objects.find_upload(bucket, *input.key, id);
  if (!upload) co_return std::unexpected(upload_error(upload.error(), bucket, id));
  const auto source = parse_source(input.copy_source);
  if (!source) co_return std::unexpected(source.error());
  auto from =
      co_await read_source(deps, *source, source_conditions(input), input.copy_source_range);
  if (!from) co_return std::unexpected(from.error());
  const std::string& asked = upload->checksum_algorithm;
  objects::Checksum kept =
      checksum_of(asked.empty() ? std::string(kDefaultAlgorithm) : asked, from->body);
  const auto part = co_await deps.objects.put_part(bucket, *input.key, id, *number,
                                                   std::move(from->body), std::move(kept));
  if (!part) co_return std::unexpected(upload_error(part.error(), bucket, id));
  s::UploadPartCopyOutput output;
  output.server_side_encryption = kEncryption;
  auto& result = output.copy_part_result.emplace();
  result.e_tag = quoted(part->etag);
  result.last_modified = part->modified;
  if (!asked.empty()) show_checksum(result, part->checksum);
  co_return output;
}

// ---- CompleteMultipartUpload, AbortMultipartUpload

std::string location_of(const Context& context, const std::string& bucket, const std::string& key) {
  const std::string path = base::uri_encode(key, true);
  const std::string* const host = context.http == nullptr ? nullptr : context.http->find("host");
  if (host == nullptr) return fmt::format("https://{}.s3.amazonaws.com/{}", bucket, path);
  const std::string_view scheme = context.http->secure ? "https" : "http";
  if (host->starts_with(bucket + ".")) return fmt::format("{}://{}/{}", scheme, *host, path);
  return fmt::format("{}://{}/{}/{}", scheme, *host, bucket, path);
}

Answer<s::CompleteMultipartUploadOutput> complete(const Deps& deps, const Context& context,
                                                  s::CompleteMultipartUploadRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const auto condition = write_condition(input.if_match, input.if_none_match);
  if (!condition) co_return std::unexpected(condition.error());
  const std::string& name = (*bucket)->name;
  const std::string id = input.upload_id.value_or("");
  std::optional<api::Error> refusal;  // what choose_parts() said, with its own words
  const auto choose = [&input, &refusal](const Upload& upload, const std::vector<objects::Part>& p)
      -> base::Result<objects::Objects::Choice> {
    auto choice = choose_parts(upload, p, input);
    if (choice) return *std::move(choice);
    refusal = choice.error();
    return base::error(base::ErrorCode::kInvalidArgument, "refused");
  };
  const auto upload = co_await deps.objects.find_upload(name, *input.key, id);
  if (!upload) co_return std::unexpected(upload_error(upload.error(), name, id));
  const auto made = co_await deps.objects.complete(name, *input.key, id, choose, *condition);
  if (refusal) co_return std::unexpected(*std::move(refusal));
  const bool gone = !made && made.error().code == base::ErrorCode::kNotFound;
  if (gone && !condition->etag && deps.objects.find_bucket(name))
    co_return std::unexpected(no_such_upload(id));
  if (!made) co_return std::unexpected(write_error(made.error(), name, *input.key, *condition));
  s::CompleteMultipartUploadOutput output;
  output.location = location_of(context, name, made->key);
  output.bucket = name;
  output.key = made->key;
  output.e_tag = quoted(made->etag);
  output.server_side_encryption = kEncryption;
  show_checksum(output, made->checksum);
  co_return output;
}

Answer<s::AbortMultipartUploadOutput> abort(const Deps& deps, const Context&,
                                            s::AbortMultipartUploadRequest input) {
  const std::string id = input.upload_id.value_or("");
  const auto done = co_await deps.objects.abort(*input.bucket, *input.key, id);
  if (!done) co_return std::unexpected(upload_error(done.error(), *input.bucket, id));
  co_return s::AbortMultipartUploadOutput();
}

// ---- ListParts, ListMultipartUploads

Answer<s::ListPartsOutput> list_parts(const Deps& deps, const Context&, s::ListPartsRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const std::string id = input.upload_id.value_or("");
  const auto upload = co_await deps.objects.find_upload((*bucket)->name, *input.key, id);
  if (!upload) co_return std::unexpected(upload_error(upload.error(), (*bucket)->name, id));
  const std::int32_t limit = std::clamp(input.max_parts.value_or(kPageMax), 0, kPageMax);
  const auto marker = static_cast<std::uint16_t>(
      std::clamp<std::int32_t>(input.part_number_marker.value_or(0), 0, objects::kPartNumberMax));
  auto parts = co_await deps.objects.list_parts(id, marker, static_cast<std::size_t>(limit) + 1);
  if (!parts) co_return std::unexpected(to_api_error(parts.error(), (*bucket)->name, ""));
  s::ListPartsOutput output;
  output.is_truncated = parts->size() > static_cast<std::size_t>(limit);
  if (*output.is_truncated) parts->pop_back();
  output.bucket = (*bucket)->name;
  output.key = upload->key;
  output.upload_id = id;
  output.part_number_marker = marker;
  output.next_part_number_marker = parts->empty() ? 0 : parts->back().number;
  output.max_parts = limit;
  output.storage_class = upload->settings.storage_class;
  output.owner = owner_of((*bucket)->account_id);
  output.initiator = s::Initiator{.id = upload->initiator, .display_name = {}};
  if (!upload->checksum_algorithm.empty()) {
    output.checksum_algorithm = upload->checksum_algorithm;
    output.checksum_type = upload->composite ? "COMPOSITE" : "FULL_OBJECT";
  }
  if (!parts->empty()) output.parts.emplace();
  for (const objects::Part& part : *parts) {
    s::Part shown;
    shown.part_number = part.number;
    shown.last_modified = part.modified;
    shown.e_tag = quoted(part.etag);
    shown.size = static_cast<std::int64_t>(part.blob.size);
    if (!upload->checksum_algorithm.empty()) show_checksum(shown, part.checksum);
    output.parts->push_back(std::move(shown));
  }
  co_return output;
}

Answer<s::ListMultipartUploadsOutput> list_uploads(const Deps& deps, const Context&,
                                                   s::ListMultipartUploadsRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  const bool encoded = input.encoding_type == "url";
  const auto show = [encoded](const std::string& text) {
    return encoded ? base::uri_encode(text, true) : text;
  };
  const std::int32_t limit = std::clamp(input.max_uploads.value_or(kPageMax), 0, kPageMax);
  objects::ListRequest request{.prefix = input.prefix.value_or(""),
                               .delimiter = input.delimiter.value_or(""),
                               .after = input.key_marker.value_or(""),
                               .limit = static_cast<std::size_t>(limit)};
  const auto page = co_await deps.objects.list_uploads((*bucket)->name, std::move(request),
                                                       input.upload_id_marker.value_or(""));
  if (!page) co_return std::unexpected(to_api_error(page.error(), (*bucket)->name, ""));
  s::ListMultipartUploadsOutput output;
  output.bucket = (*bucket)->name;
  output.key_marker = show(input.key_marker.value_or(""));
  output.upload_id_marker = input.upload_id_marker.value_or("");
  output.prefix = show(input.prefix.value_or(""));
  if (input.delimiter) output.delimiter = show(*input.delimiter);
  output.encoding_type = input.encoding_type;
  output.max_uploads = limit;
  output.is_truncated = page->truncated;
  output.next_key_marker = show(page->last_key);
  output.next_upload_id_marker = page->last_id;
  if (!page->uploads.empty()) output.uploads.emplace();
  for (const Upload& upload : page->uploads) {
    s::MultipartUpload shown;
    shown.upload_id = upload.id;
    shown.key = show(upload.key);
    shown.initiated = upload.started;
    shown.storage_class = upload.settings.storage_class;
    shown.owner = owner_of((*bucket)->account_id);
    shown.initiator = s::Initiator{.id = upload.initiator, .display_name = {}};
    if (!upload.checksum_algorithm.empty()) {
      shown.checksum_algorithm = upload.checksum_algorithm;
      shown.checksum_type = upload.composite ? "COMPOSITE" : "FULL_OBJECT";
    }
    output.uploads->push_back(std::move(shown));
  }
  if (!page->prefixes.empty()) output.common_prefixes.emplace();
  for (const std::string& prefix : page->prefixes)
    output.common_prefixes->push_back({.prefix = show(prefix)});
  co_return output;
}

// ---- permissions

template <class Input>
auto on_key(const Deps& deps, std::string action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    const auto bucket = bucket_of(deps, input);
    if (!bucket) return std::unexpected(bucket.error());
    return wire::Checks{object_check(context, action, **bucket, input.key.value_or(""))};
  };
}

async::Task<api::Outcome<wire::Checks>> may_copy_part(const Deps& deps, const Context& context,
                                                      const s::UploadPartCopyRequest& input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) return refused(bucket.error());
  wire::Checks checks{object_check(context, "s3:PutObject", **bucket, input.key.value_or(""))};
  return with_source(deps, context, std::move(checks), input.copy_source,
                     input.expected_source_bucket_owner);
}

}  // namespace

void register_multipart(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::CreateMultipartUpload>(
      [&deps](const Context& context,
              const s::CreateMultipartUploadRequest& input) -> api::Outcome<wire::Checks> {
        const auto bucket = bucket_of(deps, input);
        if (!bucket) return std::unexpected(bucket.error());
        return write_checks(context, **bucket, input);
      },
      [&deps](const Context& c, auto in) { return create(deps, c, std::move(in)); });
  registry.add<s::op::UploadPart>(
      on_key<s::UploadPartRequest>(deps, "s3:PutObject"),
      [&deps](const Context& c, auto in) { return upload_part(deps, c, std::move(in)); });
  registry.add<s::op::UploadPartCopy>(
      [&deps](const Context& c, const s::UploadPartCopyRequest& in) {
        return may_copy_part(deps, c, in);
      },
      [&deps](const Context& c, auto in) { return copy_part(deps, c, std::move(in)); });
  registry.add<s::op::CompleteMultipartUpload>(
      on_key<s::CompleteMultipartUploadRequest>(deps, "s3:PutObject"),
      [&deps](const Context& c, auto in) { return complete(deps, c, std::move(in)); });
  registry.add<s::op::AbortMultipartUpload>(
      on_key<s::AbortMultipartUploadRequest>(deps, "s3:AbortMultipartUpload"),
      [&deps](const Context& c, auto in) { return abort(deps, c, std::move(in)); });
  registry.add<s::op::ListParts>(
      on_key<s::ListPartsRequest>(deps, "s3:ListMultipartUploadParts"),
      [&deps](const Context& c, auto in) { return list_parts(deps, c, std::move(in)); });
  registry.add<s::op::ListMultipartUploads>(
      on_bucket<s::ListMultipartUploadsRequest>(deps, "s3:ListBucketMultipartUploads"),
      [&deps](const Context& c, auto in) { return list_uploads(deps, c, std::move(in)); });
}

}  // namespace services::s3
