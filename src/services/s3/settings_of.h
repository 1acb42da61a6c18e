#pragma once

// What PutObject, CopyObject and CreateMultipartUpload say about the object they make, checked.
// Pure, thread-safe.

#include "services/s3/access.h"
#include "services/s3/acl.h"
#include "services/s3/tagging.h"

namespace services::s3 {

// Without "aws-chunked", which is the transfer's and not the object's.
std::string object_encoding(const std::string& content_encoding);
api::Outcome<void> check_storage_class(const std::string& name);
api::Outcome<void> check_metadata(const std::map<std::string, std::string>& metadata);
api::Outcome<void> check_key(const std::string& key);
// The conflict of a write's condition, by the header that asked for it.
api::Error write_error(const base::Error& error, const std::string& bucket, const std::string& key,
                       const objects::Condition& condition);

template <class Input>
api::Outcome<objects::Settings> settings_of(const objects::Bucket& bucket, const Input& input) {
  objects::Settings settings;
  RETURN_IF_ERROR(check_key(input.key.value_or("")));
  RETURN_IF_ERROR(check_encryption(input));
  if (input.object_lock_mode || input.object_lock_retain_until_date ||
      input.object_lock_legal_hold_status)
    return std::unexpected(
        s3_error("InvalidRequest", 400, "Bucket is missing Object Lock Configuration"));
  settings.content_type = input.content_type.value_or("binary/octet-stream");
  settings.cache_control = input.cache_control.value_or("");
  settings.content_disposition = input.content_disposition.value_or("");
  settings.content_encoding = object_encoding(input.content_encoding.value_or(""));
  settings.content_language = input.content_language.value_or("");
  settings.expires = input.expires.value_or("");
  settings.website_redirect = input.website_redirect_location.value_or("");
  settings.storage_class = input.storage_class.value_or("STANDARD");
  RETURN_IF_ERROR(check_storage_class(settings.storage_class));
  if (input.metadata) settings.metadata = *input.metadata;
  RETURN_IF_ERROR(check_metadata(settings.metadata));
  ASSIGN_OR_RETURN(settings.tags, parse_tag_header(input.tagging));
  const AclHeaders headers = acl_headers(input);
  ASSIGN_OR_RETURN(settings.acl, parse_acl(headers, bucket.account_id));
  if (headers.given()) RETURN_IF_ERROR(check_acl_allowed(bucket, headers, settings.acl));
  return settings;
}

// s3:PutObject, and what else the headers ask for.
template <class Input>
wire::Checks write_checks(const Context& context, const objects::Bucket& bucket,
                          const Input& input) {
  Keys keys;
  const bool acl = add_acl_keys(keys, input);
  add_key(keys, "s3:x-amz-storage-class", input.storage_class);
  add_key(keys, "s3:x-amz-server-side-encryption", input.server_side_encryption);
  if constexpr (requires { input.copy_source; })
    add_key(keys, "s3:x-amz-copy-source", input.copy_source);
  if constexpr (requires { input.metadata_directive; })
    add_key(keys, "s3:x-amz-metadata-directive", input.metadata_directive);
  if (const auto tags = parse_tag_header(input.tagging)) {
    auth::ContextEntry names{.key = "s3:RequestObjectTagKeys", .values = {}};
    for (const auto& [name, value] : *tags) {
      keys.push_back({"s3:RequestObjectTag/" + name, {value}});
      names.values.push_back(name);
    }
    if (!names.values.empty()) keys.push_back(std::move(names));
  }
  const std::string key = input.key.value_or("");
  wire::Checks checks{object_check(context, "s3:PutObject", bucket, key, nullptr, keys)};
  if (acl) checks.push_back(object_check(context, "s3:PutObjectAcl", bucket, key, nullptr, keys));
  if (input.tagging)
    checks.push_back(object_check(context, "s3:PutObjectTagging", bucket, key, nullptr, keys));
  return checks;
}

}  // namespace services::s3
