// AWS::S3::Bucket and AWS::S3::BucketPolicy.

#include <fmt/format.h>

#include <algorithm>

#include "api/s3/operations.h"
#include "stacks/resources/all.h"
#include "stacks/resources/common.h"

namespace stacks::resources {

namespace {

namespace op = api::s3::op;

// "PublicRead" is "public-read" to the API.
std::string canned_acl(const std::string& text) {
  std::string acl;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') {
      if (!acl.empty()) acl += '-';
      acl += static_cast<char>(c - 'A' + 'a');
    } else {
      acl += c;
    }
  }
  return acl;
}

class Bucket final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Value>> prepare(const StepContext& context,
                                           const Value& /*properties*/) const override {
    op::HeadBucket::Input look;
    look.bucket = context.name;
    auto free = co_await refuse_existing<op::HeadBucket>(context, std::move(look));
    co_return free;
  }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    op::CreateBucket::Input input;
    input.bucket = context.name;
    if (context.call.region != "us-east-1") {
      input.create_bucket_configuration.emplace();
      input.create_bucket_configuration->location_constraint = context.call.region;
    }
    auto created = co_await context.invoke<op::CreateBucket>(std::move(input));
    if (!created && !(context.retried && is_conflict(created.error())))
      co_return std::unexpected(created.error());
    Made made{.physical_id = context.name, .failure = {}};
    const std::string& name = context.name;
    const std::string& region = context.call.region;
    made.attributes.set("Arn", Value::string("arn:aws:s3:::" + name));
    made.attributes.set("DomainName", Value::string(name + ".s3.amazonaws.com"));
    made.attributes.set("RegionalDomainName",
                        Value::string(fmt::format("{}.s3.{}.amazonaws.com", name, region)));
    made.attributes.set(
        "DualStackDomainName",
        Value::string(fmt::format("{}.s3.dualstack.{}.amazonaws.com", name, region)));
    auto set = co_await apply(context, name, Value::object(), properties);
    if (!set) made.failure = set.error();
    co_return made;
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& before,
                                         Value after) const override {
    auto set = co_await apply(context, before.id, before.properties, after);
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = before.id, .attributes = before.attributes, .failure = {}};
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteBucket::Input input;
    input.bucket = physical.id;
    auto deleted = co_await context.invoke<op::DeleteBucket>(std::move(input));
    co_return gone(deleted);
  }

 private:
  // One call, if that property changed; `input` names the API's member for it.
  template <class Op>
  static async::Task<api::Outcome<void>> put(const StepContext& context, std::string bucket,
                                             std::string member, Value content) {
    Value input = Value::object({"Bucket", member}, {Value::string(bucket), std::move(content)});
    auto set = co_await call_with<Op>(context, std::move(input));
    co_return done(set);
  }

  static async::Task<api::Outcome<void>> apply(const StepContext& context, std::string bucket,
                                               Value was, Value now) {
    api::Outcome<void> set;
    if (changed(was, now, "OwnershipControls") && now.has("OwnershipControls"))
      set = co_await put<op::PutBucketOwnershipControls>(context, bucket, "OwnershipControls",
                                                         *now.find("OwnershipControls"));
    if (!set) co_return set;
    if (changed(was, now, "PublicAccessBlockConfiguration") &&
        now.has("PublicAccessBlockConfiguration"))
      set =
          co_await put<op::PutPublicAccessBlock>(context, bucket, "PublicAccessBlockConfiguration",
                                                 *now.find("PublicAccessBlockConfiguration"));
    if (!set) co_return set;
    if (changed(was, now, "VersioningConfiguration")) {
      Value status = Value::object();
      const Value* wanted = now.find("VersioningConfiguration");
      status.set("Status",
                 Value::string(wanted == nullptr ? "Suspended" : wanted->text_of("Status")));
      set = co_await put<op::PutBucketVersioning>(context, bucket, "VersioningConfiguration",
                                                  std::move(status));
    }
    if (!set) co_return set;
    if (changed(was, now, "AccessControl")) {
      op::PutBucketAcl::Input input;
      input.bucket = bucket;
      input.acl = canned_acl(now.text_of("AccessControl", "Private"));
      auto acl = co_await context.invoke<op::PutBucketAcl>(std::move(input));
      set = done(acl);
    }
    if (!set) co_return set;
    const Value tags = tag_list(now, context.stack_tags);
    if (changed(was, now, "Tags") || (was.empty() && !tags.is_null())) {
      if (tags.is_null()) {
        op::DeleteBucketTagging::Input input;
        input.bucket = bucket;
        auto untagged = co_await context.invoke<op::DeleteBucketTagging>(std::move(input));
        set = done(untagged);
      } else {
        Value tagging = Value::object({"TagSet"}, {tags});
        set = co_await put<op::PutBucketTagging>(context, bucket, "Tagging", std::move(tagging));
      }
    }
    co_return set;
  }

  const ResourceSchema schema_{
      .type = "AWS::S3::Bucket",
      .properties = {{"BucketName", OnChange::kReplace},
                     {"AccessControl"},
                     {"OwnershipControls", OnChange::kUpdate, false,
                      shape_of<op::PutBucketOwnershipControls>("OwnershipControls")},
                     {"PublicAccessBlockConfiguration", OnChange::kUpdate, false,
                      shape_of<op::PutPublicAccessBlock>("PublicAccessBlockConfiguration")},
                     {"VersioningConfiguration", OnChange::kUpdate, false,
                      shape_of<op::PutBucketVersioning>("VersioningConfiguration")},
                     {"Tags"}},
      .unsupported = {"AccelerateConfiguration", "AnalyticsConfigurations", "BucketEncryption",
                      "CorsConfiguration", "IntelligentTieringConfigurations",
                      "InventoryConfigurations", "LifecycleConfiguration", "LoggingConfiguration",
                      "MetadataTableConfiguration", "MetricsConfigurations",
                      "NotificationConfiguration", "ObjectLockConfiguration", "ObjectLockEnabled",
                      "ReplicationConfiguration", "WebsiteConfiguration"},
      .attributes = {"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName"},
      .name = {.property = "BucketName", .max = 63, .lower_case = true}};
};

class BucketPolicy final : public ResourceHandler {
 public:
  const ResourceSchema& schema() const override { return schema_; }

  async::Task<api::Outcome<Made>> create(const StepContext& context,
                                         Value properties) const override {
    Value input = pick_as(properties, {{"Bucket", "Bucket"}, {"PolicyDocument", "Policy"}});
    auto set = co_await call_with<op::PutBucketPolicy>(context, std::move(input));
    if (!set) co_return std::unexpected(set.error());
    co_return Made{.physical_id = properties.text_of("Bucket"), .failure = {}};
  }

  async::Task<api::Outcome<Made>> update(const StepContext& context, const Physical& /*before*/,
                                         Value after) const override {
    return create(context, std::move(after));
  }

  async::Task<api::Outcome<void>> remove(const StepContext& context,
                                         const Physical& physical) const override {
    op::DeleteBucketPolicy::Input input;
    input.bucket = physical.id;
    auto deleted = co_await context.invoke<op::DeleteBucketPolicy>(std::move(input));
    co_return gone(deleted);
  }

 private:
  const ResourceSchema schema_{.type = "AWS::S3::BucketPolicy",
                               .properties = {{"Bucket", OnChange::kReplace, true},
                                              {"PolicyDocument", OnChange::kUpdate, true}},
                               .unsupported = {},
                               .attributes = {},
                               .name = {}};
};

}  // namespace

void add_s3(ResourceRegistry& registry) {
  registry.add(std::make_unique<Bucket>());
  registry.add(std::make_unique<BucketPolicy>());
}

}  // namespace stacks::resources
