#pragma once

// Tags of buckets and objects: their limits and S3's words for breaking them. Pure, thread-safe.

#include "api/s3/types.h"
#include "services/s3/common.h"

namespace services::s3 {

inline constexpr std::size_t kObjectTagsMax = 10;
inline constexpr std::size_t kBucketTagsMax = 50;

struct TagRules {
  std::size_t max = kObjectTagsMax;
  bool system_allowed = false;  // "aws:..." keys: for services that act for a caller
  std::string_view system_refusal = "Your TagKey cannot be prefixed with aws:";
};

api::Outcome<objects::Tags> parse_tags(const std::optional<api::s3::Tagging>& tagging,
                                       const TagRules& rules);
// "key=value&key2=value2", as in x-amz-tagging.
api::Outcome<objects::Tags> parse_tag_header(const std::optional<std::string>& header);
std::vector<api::s3::Tag> show_tags(const objects::Tags& tags);

}  // namespace services::s3
