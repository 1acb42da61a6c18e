// Tags of buckets and objects, and the bucket settings that have one fixed answer here.
#include "api/s3/operations.h"
#include "services/s3/access.h"
#include "services/s3/tagging.h"

namespace services::s3 {
namespace {

namespace s = api::s3;

// Changes the bucket; `done` on success.
template <class Output>
Answer<Output> change(const Deps& deps, std::string name,
                      std::function<void(objects::Bucket&)> how) {
  const auto changed =
      co_await deps.objects.update_bucket(name, [how](objects::Bucket& bucket) -> base::Status {
        how(bucket);
        return {};
      });
  if (!changed) co_return std::unexpected(to_api_error(changed.error(), name, ""));
  co_return Output();
}

// ---- tags of buckets

Answer<s::PutBucketTaggingOutput> put_bucket_tags(const Deps& deps, const Context& context,
                                                  s::PutBucketTaggingRequest input) {
  const TagRules rules{.max = kBucketTagsMax,
                       .system_allowed = !context.principal->invoked_by.empty(),
                       .system_refusal = "System tags cannot be added/updated by requester"};
  const auto tags = parse_tags(input.tagging, rules);
  if (!tags) co_return std::unexpected(tags.error());
  const auto set = [tags = *tags](objects::Bucket& bucket) { bucket.tags = tags; };
  auto done = co_await change<s::PutBucketTaggingOutput>(deps, *input.bucket, set);
  co_return done;
}

Answer<s::GetBucketTaggingOutput> get_bucket_tags(const Deps& deps, const Context&,
                                                  s::GetBucketTaggingRequest input) {
  const auto bucket = bucket_of(deps, input);
  if (!bucket) co_return std::unexpected(bucket.error());
  if ((*bucket)->tags.empty())
    co_return std::unexpected(s3_error("NoSuchTagSet", 404, "The TagSet does not exist",
                                       {{"BucketName", (*bucket)->name}}));
  s::GetBucketTaggingOutput output;
  output.tag_set = show_tags((*bucket)->tags);
  co_return output;
}

Answer<s::DeleteBucketTaggingOutput> delete_bucket_tags(const Deps& deps, const Context&,
                                                        s::DeleteBucketTaggingRequest input) {
  const auto clear = [](objects::Bucket& bucket) { bucket.tags.clear(); };
  auto done = co_await change<s::DeleteBucketTaggingOutput>(deps, *input.bucket, clear);
  co_return done;
}

// ---- tags of objects

async::Task<std::optional<api::Error>> set_object_tags(const Deps& deps, std::string bucket,
                                                       std::string key, objects::Tags tags) {
  const auto set = [tags](objects::Settings& settings) { settings.tags = tags; };
  const auto changed = co_await deps.objects.update(bucket, key, set);
  if (!changed) co_return to_api_error(changed.error(), bucket, key);
  co_return std::nullopt;
}

Answer<s::PutObjectTaggingOutput> put_object_tags(const Deps& deps, const Context& context,
                                                  s::PutObjectTaggingRequest input) {
  const auto version = check_version(input.version_id);
  if (!version) co_return std::unexpected(version.error());
  const auto tags =
      parse_tags(input.tagging, {.system_allowed = !context.principal->invoked_by.empty()});
  if (!tags) co_return std::unexpected(tags.error());
  auto failed = co_await set_object_tags(deps, *input.bucket, *input.key, *tags);
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return s::PutObjectTaggingOutput();
}

Answer<s::GetObjectTaggingOutput> get_object_tags(const Deps& deps, const Context&,
                                                  s::GetObjectTaggingRequest input) {
  const auto version = check_version(input.version_id);
  if (!version) co_return std::unexpected(version.error());
  const auto object = co_await deps.objects.find(*input.bucket, *input.key);
  if (!object) co_return std::unexpected(to_api_error(object.error(), *input.bucket, *input.key));
  s::GetObjectTaggingOutput output;
  output.tag_set = show_tags(object->settings.tags);
  co_return output;
}

Answer<s::DeleteObjectTaggingOutput> delete_object_tags(const Deps& deps, const Context&,
                                                        s::DeleteObjectTaggingRequest input) {
  const auto version = check_version(input.version_id);
  if (!version) co_return std::unexpected(version.error());
  auto failed = co_await set_object_tags(deps, *input.bucket, *input.key, {});
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return s::DeleteObjectTaggingOutput();
}

// ---- versioning: always off

Answer<s::PutBucketVersioningOutput> put_versioning(const Deps&, const Context&,
                                                    s::PutBucketVersioningRequest input) {
  if (!input.versioning_configuration || !input.versioning_configuration->status)
    co_return std::unexpected(s3_error("IllegalVersioningConfigurationException", 400,
                                       "The Versioning element must be specified"));
  const std::string& status = *input.versioning_configuration->status;
  if (status != "Enabled" && status != "Suspended") co_return std::unexpected(malformed_xml());
  if (status == "Enabled")
    co_return std::unexpected(
        s3_error("NotImplemented", 501, "Versioning of buckets is not available on this server."));
  co_return s::PutBucketVersioningOutput();
}

// ---- encryption: always the default

Answer<s::GetBucketEncryptionOutput> get_encryption(const Deps&, const Context&,
                                                    s::GetBucketEncryptionRequest) {
  s::ServerSideEncryptionRule rule;
  rule.apply_server_side_encryption_by_default.emplace().sse_algorithm = kEncryption;
  rule.bucket_key_enabled = false;
  s::GetBucketEncryptionOutput output;
  output.server_side_encryption_configuration.emplace().rules.emplace().push_back(rule);
  co_return output;
}

Answer<s::GetBucketRequestPaymentOutput> get_payment(const Deps&, const Context&,
                                                     s::GetBucketRequestPaymentRequest) {
  s::GetBucketRequestPaymentOutput output;
  output.payer = "BucketOwner";
  co_return output;
}

template <class Output, class Input>
Answer<Output> nothing_set(Input) {
  co_return Output();
}

template <class Output>
Answer<Output> absent(std::string code, std::string message, std::string bucket) {
  co_return std::unexpected(
      s3_error(std::move(code), 404, std::move(message), {{"BucketName", std::move(bucket)}}));
}

void register_tags(wire::Registry& registry, const Deps& deps) {
  registry.add<s::op::PutBucketTagging>(
      on_bucket<s::PutBucketTaggingRequest>(deps, "s3:PutBucketTagging"),
      [&deps](const Context& c, auto in) { return put_bucket_tags(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketTagging>(
      on_bucket<s::GetBucketTaggingRequest>(deps, "s3:GetBucketTagging"),
      [&deps](const Context& c, auto in) { return get_bucket_tags(deps, c, std::move(in)); });
  registry.add<s::op::DeleteBucketTagging>(
      on_bucket<s::DeleteBucketTaggingRequest>(deps, "s3:PutBucketTagging"),
      [&deps](const Context& c, auto in) { return delete_bucket_tags(deps, c, std::move(in)); });
  registry.add<s::op::PutObjectTagging>(
      on_object<s::PutObjectTaggingRequest>(deps, "s3:PutObjectTagging"),
      [&deps](const Context& c, auto in) { return put_object_tags(deps, c, std::move(in)); });
  registry.add<s::op::GetObjectTagging>(
      on_object<s::GetObjectTaggingRequest>(deps, "s3:GetObjectTagging"),
      [&deps](const Context& c, auto in) { return get_object_tags(deps, c, std::move(in)); });
  registry.add<s::op::DeleteObjectTagging>(
      on_object<s::DeleteObjectTaggingRequest>(deps, "s3:DeleteObjectTagging"),
      [&deps](const Context& c, auto in) { return delete_object_tags(deps, c, std::move(in)); });
}

}  // namespace

void register_settings(wire::Registry& registry, const Deps& deps) {
  register_tags(registry, deps);
  registry.add<s::op::PutBucketVersioning>(
      on_bucket<s::PutBucketVersioningRequest>(deps, "s3:PutBucketVersioning"),
      [&deps](const Context& c, auto in) { return put_versioning(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketVersioning>(
      on_bucket<s::GetBucketVersioningRequest>(deps, "s3:GetBucketVersioning"),
      [](const Context&, auto in) {
        return nothing_set<s::GetBucketVersioningOutput>(std::move(in));
      });
  registry.add<s::op::GetBucketEncryption>(
      on_bucket<s::GetBucketEncryptionRequest>(deps, "s3:GetEncryptionConfiguration"),
      [&deps](const Context& c, auto in) { return get_encryption(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketRequestPayment>(
      on_bucket<s::GetBucketRequestPaymentRequest>(deps, "s3:GetBucketRequestPayment"),
      [&deps](const Context& c, auto in) { return get_payment(deps, c, std::move(in)); });
  registry.add<s::op::GetBucketNotificationConfiguration>(
      on_bucket<s::GetBucketNotificationConfigurationRequest>(deps, "s3:GetBucketNotification"),
      [](const Context&, auto in) {
        return nothing_set<s::op::GetBucketNotificationConfiguration::Output>(std::move(in));
      });
  registry.add<s::op::GetBucketCors>(
      on_bucket<s::GetBucketCorsRequest>(deps, "s3:GetBucketCORS"), [](const Context&, auto in) {
        return absent<s::GetBucketCorsOutput>("NoSuchCORSConfiguration",
                                              "The CORS configuration does not exist", *in.bucket);
      });
  registry.add<s::op::GetBucketLifecycleConfiguration>(
      on_bucket<s::GetBucketLifecycleConfigurationRequest>(deps, "s3:GetLifecycleConfiguration"),
      [](const Context&, auto in) {
        return absent<s::GetBucketLifecycleConfigurationOutput>(
            "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist",
            *in.bucket);
      });
}

}  // namespace services::s3
