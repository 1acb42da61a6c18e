#include "services/s3/common.h"

#include "base/digest.h"
#include "base/encoding.h"

namespace services::s3 {

api::Error s3_error(std::string code, int status, std::string message, Members members) {
  return {.code = std::move(code),
          .status = status,
          .message = std::move(message),
          .members = std::move(members)};
}

api::Error no_such_bucket(const std::string& name) {
  return s3_error("NoSuchBucket", 404, "The specified bucket does not exist",
                  {{"BucketName", name}});
}

api::Error no_such_key(const std::string& key) {
  return s3_error("NoSuchKey", 404, "The specified key does not exist.", {{"Key", key}});
}

api::Error no_such_upload(const std::string& id) {
  return s3_error(
      "NoSuchUpload", 404,
      "The specified upload does not exist. The upload ID may be invalid, or the upload "
      "may have been aborted or completed.",
      {{"UploadId", id}});
}

api::Error precondition_failed(std::string condition) {
  return s3_error("PreconditionFailed", 412,
                  "At least one of the pre-conditions you specified did not hold",
                  {{"Condition", std::move(condition)}});
}

api::Error access_denied() { return s3_error("AccessDenied", 403, "Access Denied"); }

api::Error malformed_xml() {
  return s3_error("MalformedXML", 400,
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema");
}

api::Error invalid_argument(std::string message, std::string name, std::string value) {
  return s3_error("InvalidArgument", 400, std::move(message),
                  {{"ArgumentName", std::move(name)}, {"ArgumentValue", std::move(value)}});
}

api::Error not_implemented(std::string header, std::string more) {
  Members members{{"Header", std::move(header)}};
  if (!more.empty()) members.emplace_back("additionalMessage", std::move(more));
  return s3_error("NotImplemented", 501,
                  "A header you provided implies functionality that is not implemented",
                  std::move(members));
}

api::Error to_api_error(const base::Error& error, const std::string& bucket,
                        const std::string& key) {
  switch (error.code) {
    case base::ErrorCode::kNotFound: return key.empty() ? no_such_bucket(bucket) : no_such_key(key);
    case base::ErrorCode::kConflict: return precondition_failed("If-Match");
    case base::ErrorCode::kUnavailable:
    case base::ErrorCode::kNoSpace:
      return s3_error("ServiceUnavailable", 503, "Service is unable to handle request.");
    default:
      return s3_error("InternalError", 500, "We encountered an internal error. Please try again.");
  }
}

api::Outcome<objects::BucketPtr> find_bucket(const Deps& deps, const std::string& name,
                                             const std::optional<std::string>& expected_owner) {
  auto bucket = deps.objects.find_bucket(name);
  if (!bucket) return std::unexpected(no_such_bucket(name));
  if (!expected_owner) return bucket;
  const bool account = expected_owner->size() == 12 &&
                       expected_owner->find_first_not_of("0123456789") == std::string::npos;
  if (!account)
    return std::unexpected(
        s3_error("InvalidBucketOwnerAWSAccountID", 400,
                 "The value of the expected bucket owner parameter must be an AWS Account ID... [" +
                     *expected_owner + "]"));
  if (*expected_owner != bucket->account_id) return std::unexpected(access_denied());
  return bucket;
}

std::string quoted(const std::string& etag) { return "\"" + etag + "\""; }

std::string unquoted(std::string_view etag) {
  if (etag.starts_with('"')) etag.remove_prefix(1);
  if (etag.ends_with('"')) etag.remove_suffix(1);
  return std::string(etag);
}

std::string canonical_id(std::string_view account_id) {
  return base::hex(base::sha256("canonical user of " + std::string(account_id)));
}

api::Outcome<void> check_version(const std::optional<std::string>& version_id) {
  if (!version_id || *version_id == "null") return {};
  return std::unexpected(
      invalid_argument("Invalid version id specified", "versionId", *version_id));
}

}  // namespace services::s3
