// Listing objects: both versions, and versions, of which each object has one.
#include "api/s3/operations.h"
#include "base/encoding.h"
#include "services/s3/access.h"
#include "services/s3/acl.h"

namespace services::s3 {
namespace {

namespace s = api::s3;

constexpr std::int32_t kKeysMax = 1000;
constexpr std::string_view kTokenVersion = "1";

api::Outcome<std::int32_t> limit_of(const std::optional<std::int32_t>& max_keys) {
  const std::int32_t limit = max_keys.value_or(kKeysMax);
  if (limit < 0)
    return std::unexpected(
        invalid_argument("Argument max-keys must be an integer between 0 and 2147483647",
                         "max-keys", std::to_string(limit)));
  return std::min(limit, kKeysMax);
}

api::Outcome<bool> url_encoded(const std::optional<std::string>& encoding) {
  if (encoding && *encoding != "url")
    return std::unexpected(invalid_argument("Invalid Encoding Method specified in Request",
                                            "encoding-type", *encoding));
  return encoding.has_value();
}

std::string shown(const std::string& text, bool encoded) {
  return encoded ? base::uri_encode(text, true) : text;
}

// The parts that all listings have: the page, and the members of the same name.
struct Query {
  objects::BucketPtr bucket;
  std::int32_t limit = kKeysMax;
  bool encoded = false;
};
template <class Input>
api::Outcome<Query> query_of(const Deps& deps, const Input& input) {
  Query query;
  ASSIGN_OR_RETURN(query.bucket, bucket_of(deps, input));
  ASSIGN_OR_RETURN(query.limit, limit_of(input.max_keys));
  ASSIGN_OR_RETURN(query.encoded, url_encoded(input.encoding_type));
  return query;
}

template <class Input>
objects::ListRequest request_of(const Query& query, const Input& input, std::string after) {
  return {.prefix = input.prefix.value_or(""),
          .delimiter = input.delimiter.value_or(""),
          .after = std::move(after),
          .limit = static_cast<std::size_t>(query.limit)};
}

template <class Output, class Input>
void show_page(Output& output, const Query& query, const Input& input,
               const objects::ObjectPage& page) {
  output.name = query.bucket->name;
  output.prefix = shown(input.prefix.value_or(""), query.encoded);
  if (input.delimiter && !input.delimiter->empty())
    output.delimiter = shown(*input.delimiter, query.encoded);
  output.max_keys = query.limit;
  output.is_truncated = page.truncated;
  output.encoding_type = input.encoding_type;
  if (page.prefixes.empty()) return;
  auto& prefixes = output.common_prefixes.emplace();
  for (const std::string& prefix : page.prefixes)
    prefixes.push_back({.prefix = shown(prefix, query.encoded)});
}

// s::Object or s::ObjectVersion
template <class Shown>
Shown show_object(const Query& query, const objects::Object& object, bool with_owner) {
  Shown out;
  out.key = shown(object.key, query.encoded);
  out.last_modified = object.modified;
  out.e_tag = quoted(object.etag);
  out.size = static_cast<std::int64_t>(object.size);
  out.storage_class = object.settings.storage_class;
  if (!object.checksum.algorithm.empty()) {
    out.checksum_algorithm.emplace().push_back(object.checksum.algorithm);
    out.checksum_type = object.checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
  }
  if (with_owner) out.owner = owner_of(query.bucket->account_id);
  return out;
}

Answer<s::ListObjectsV2Output> list_v2(const Deps& deps, const Context&,
                                       s::ListObjectsV2Request input) {
  const auto query = query_of(deps, input);
  if (!query) co_return std::unexpected(query.error());
  std::string after = input.start_after.value_or("");
  if (input.continuation_token) {
    const auto token = base::from_base64(*input.continuation_token);
    if (!token || !token->starts_with(kTokenVersion))
      co_return std::unexpected(s3_error("InvalidArgument", 400,
                                         "The continuation token provided is incorrect",
                                         {{"ArgumentName", "continuation-token"}}));
    after = token->substr(kTokenVersion.size());
  }
  const auto page =
      co_await deps.objects.list(query->bucket->name, request_of(*query, input, std::move(after)));
  if (!page) co_return std::unexpected(to_api_error(page.error(), query->bucket->name, ""));
  s::ListObjectsV2Output output;
  show_page(output, *query, input, *page);
  output.key_count = static_cast<std::int32_t>(page->objects.size() + page->prefixes.size());
  output.continuation_token = input.continuation_token;
  if (input.start_after) output.start_after = shown(*input.start_after, query->encoded);
  if (page->truncated)
    output.next_continuation_token = base::base64(std::string(kTokenVersion) + page->last);
  const bool with_owner = input.fetch_owner.value_or(false);
  if (!page->objects.empty()) output.contents.emplace();
  for (const objects::Object& object : page->objects)
    output.contents->push_back(show_object<s::Object>(*query, object, with_owner));
  co_return output;
}

Answer<s::ListObjectsOutput> list_v1(const Deps& deps, const Context&,
                                     s::ListObjectsRequest input) {
  const auto query = query_of(deps, input);
  if (!query) co_return std::unexpected(query.error());
  const auto page = co_await deps.objects.list(
      query->bucket->name, request_of(*query, input, input.marker.value_or("")));
  if (!page) co_return std::unexpected(to_api_error(page.error(), query->bucket->name, ""));
  s::ListObjectsOutput output;
  show_page(output, *query, input, *page);
  output.marker = shown(input.marker.value_or(""), query->encoded);
  // Without a delimiter the last key says where to go on.
  if (page->truncated && output.delimiter) output.next_marker = shown(page->last, query->encoded);
  if (!page->objects.empty()) output.contents.emplace();
  for (const objects::Object& object : page->objects)
    output.contents->push_back(show_object<s::Object>(*query, object, true));
  co_return output;
}

Answer<s::ListObjectVersionsOutput> list_versions(const Deps& deps, const Context&,
                                                  s::ListObjectVersionsRequest input) {
  const auto query = query_of(deps, input);
  if (!query) co_return std::unexpected(query.error());
  if (input.version_id_marker && !input.key_marker)
    co_return std::unexpected(
        invalid_argument("A version-id marker cannot be specified without a key marker.",
                         "version-id-marker", *input.version_id_marker));
  const auto page = co_await deps.objects.list(
      query->bucket->name, request_of(*query, input, input.key_marker.value_or("")));
  if (!page) co_return std::unexpected(to_api_error(page.error(), query->bucket->name, ""));
  s::ListObjectVersionsOutput output;
  show_page(output, *query, input, *page);
  output.key_marker = shown(input.key_marker.value_or(""), query->encoded);
  output.version_id_marker = input.version_id_marker.value_or("");
  if (page->truncated) {
    output.next_key_marker = shown(page->last, query->encoded);
    const bool last_is_key = !page->objects.empty() && page->objects.back().key == page->last;
    if (last_is_key) output.next_version_id_marker = "null";
  }
  if (!page->objects.empty()) output.versions.emplace();
  for (const objects::Object& object : page->objects) {
    auto version = show_object<s::ObjectVersion>(*query, object, true);
    version.version_id = "null";
    version.is_latest = true;
    output.versions->push_back(std::move(version));
  }
  co_return output;
}

template <class Input>
auto may_list(const Deps& deps, std::string action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    const auto bucket = bucket_of(deps, input);
    if (!bucket) return std::unexpected(bucket.error());
    Keys keys;
    add_key(keys, "s3:prefix", input.prefix);
    add_key(keys, "s3:delimiter", input.delimiter);
    if (input.max_keys) add_key(keys, "s3:max-keys", std::to_string(*input.max_keys));
    return wire::Checks{bucket_check(context, action, **bucket, std::move(keys))};
  };
}

}  // namespace

void register_listing(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::ListObjectsV2>(
      may_list<s::ListObjectsV2Request>(deps, "s3:ListBucket"),
      [&deps](const Context& c, auto in) { return list_v2(deps, c, std::move(in)); });
  registry.add<s::op::ListObjects>(
      may_list<s::ListObjectsRequest>(deps, "s3:ListBucket"),
      [&deps](const Context& c, auto in) { return list_v1(deps, c, std::move(in)); });
  registry.add<s::op::ListObjectVersions>(
      may_list<s::ListObjectVersionsRequest>(deps, "s3:ListBucketVersions"),
      [&deps](const Context& c, auto in) { return list_versions(deps, c, std::move(in)); });
}

}  // namespace services::s3
