#pragma once

// Keys of the store; docs/formats/objects.md. Bucket names hold no slash, so all are unambiguous.

#include <string>

#include "base/encoding.h"

namespace objects {

inline constexpr std::string_view kBucketPrefix = "objects/bucket/";

inline std::string bucket_key(const std::string& name) { return std::string(kBucketPrefix) + name; }
inline std::string object_space(const std::string& bucket) { return "objects/o/" + bucket + "/"; }
inline std::string upload_space(const std::string& bucket) { return "objects/u/" + bucket + "/"; }
inline std::string upload_key(const std::string& bucket, const std::string& key,
                              const std::string& id) {
  return upload_space(bucket) + key + '\0' + id;
}
inline std::string part_space(const std::string& upload_id) {
  return "objects/p/" + upload_id + "/";
}
inline std::string part_key(const std::string& upload_id, std::uint16_t number) {
  std::string key = part_space(upload_id);
  base::append_u16(key, number);
  return key;
}

}  // namespace objects
