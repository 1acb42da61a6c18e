// DeleteObject and DeleteObjects.
#include "api/s3/operations.h"
#include "services/s3/access.h"
#include "services/s3/conditions.h"

namespace services::s3 {
namespace {

namespace s = api::s3;

constexpr std::size_t kKeysMax = 1000;

Answer<s::DeleteObjectOutput> remove(const Deps& deps, const Context&,
                                     s::DeleteObjectRequest input) {
  const auto version = check_version(input.version_id);
  if (!version) co_return std::unexpected(version.error());
  if (input.if_match_last_modified_time)
    co_return std::unexpected(not_implemented("x-amz-if-match-last-modified-time"));
  if (input.if_match_size) co_return std::unexpected(not_implemented("x-amz-if-match-size"));
  objects::Condition condition;
  if (input.if_match) condition.etag = unquoted(*input.if_match);
  const std::string bucket = input.bucket.value_or("");
  const std::string key = input.key.value_or("");
  const auto removed = co_await deps.objects.remove(bucket, key, condition);
  if (!removed) co_return std::unexpected(to_api_error(removed.error(), bucket, key));
  s::DeleteObjectOutput output;
  output.version_id = input.version_id;
  co_return output;
}

// One of many: nullopt on success.
async::Task<std::optional<api::Error>> remove_one(const Deps& deps, const Context& context,
                                                  objects::BucketPtr bucket,
                                                  s::ObjectIdentifier what) {
  const std::string key = what.key.value_or("");
  const auth::Check check = object_check(
      context, what.version_id ? "s3:DeleteObjectVersion" : "s3:DeleteObject", *bucket, key);
  const auto allowed =
      deps.authorizer.authorize(*context.principal, std::span(&check, 1), context.facts);
  if (!allowed) co_return auth::to_api_error(allowed.error(), auth::ErrorFamily::kS3);
  const auto version = check_version(what.version_id);
  if (!version) co_return s3_error("NoSuchVersion", 404, "The specified version does not exist.");
  objects::Condition condition;
  if (what.e_tag) condition.etag = unquoted(*what.e_tag);
  const auto removed = co_await deps.objects.remove(bucket->name, key, condition);
  if (!removed) co_return to_api_error(removed.error(), bucket->name, key);
  co_return std::nullopt;
}

Answer<s::DeleteObjectsOutput> remove_many(const Deps& deps, const Context& context,
                                           s::DeleteObjectsRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  if (!input.delete_ || !input.delete_->objects || input.delete_->objects->empty() ||
      input.delete_->objects->size() > kKeysMax)
    co_return std::unexpected(malformed_xml());
  const bool quiet = input.delete_->quiet.value_or(false);
  s::DeleteObjectsOutput output;
  for (const s::ObjectIdentifier& what : *input.delete_->objects) {
    const auto failed = co_await remove_one(deps, context, *bucket, what);
    if (failed) {
      if (!output.errors) output.errors.emplace();
      output.errors->push_back({.key = what.key,
                                .version_id = what.version_id,
                                .code = failed->code,
                                .message = failed->message});
    } else if (!quiet) {
      if (!output.deleted) output.deleted.emplace();
      output.deleted->push_back({.key = what.key, .version_id = what.version_id});
    }
  }
  co_return output;
}

api::Outcome<wire::Checks> may_remove(const Deps& deps, const Context& context,
                                      const s::DeleteObjectRequest& input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) return std::unexpected(bucket.error());
  return wire::Checks{object_check(context,
                                   input.version_id ? "s3:DeleteObjectVersion" : "s3:DeleteObject",
                                   **bucket, input.key.value_or(""))};
}

}  // namespace

void register_deleting(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::DeleteObject>(
      [&deps](const Context& c, const s::DeleteObjectRequest& in) {
        return may_remove(deps, c, in);
      },
      [&deps](const Context& c, auto in) { return remove(deps, c, std::move(in)); });
  // Each key is decided on its own, in remove_one(): a refusal is that key's answer only.
  registry.add<s::op::DeleteObjects>(wire::no_permission(), [&deps](const Context& c, auto in) {
    return remove_many(deps, c, std::move(in));
  });
}

}  // namespace services::s3
