#pragma once

// Conditional requests and byte ranges, in S3's reading of HTTP. Pure, thread-safe.

#include "services/s3/common.h"

namespace services::s3 {

struct ReadConditions {
  std::optional<std::string> if_match;
  std::optional<std::string> if_none_match;
  std::optional<base::Timestamp> if_modified_since;
  std::optional<base::Timestamp> if_unmodified_since;
};

// 412 PreconditionFailed, or 304 for what is not news. For the source of a copy there is only 412;
// `prefix` names the headers ("x-amz-copy-source-").
api::Outcome<void> check_read(const objects::Object& object, const ReadConditions& conditions,
                              std::string_view prefix = {});

// What a write asks of the key: If-None-Match takes only "*", If-Match only an ETag.
api::Outcome<objects::Condition> write_condition(const std::optional<std::string>& if_match,
                                                 const std::optional<std::string>& if_none_match);

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
// nullopt: the whole object (no range, several, or none that makes sense). InvalidRange (416) if
// the object has none of these bytes.
api::Outcome<std::optional<Range>> parse_range(const std::optional<std::string>& header,
                                               std::uint64_t size);

}  // namespace services::s3
