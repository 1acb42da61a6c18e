#pragma once

// The source of a copy: which object x-amz-copy-source names, whether the caller may read it, and
// its bytes. Thread-safe.

#include "services/s3/access.h"
#include "services/s3/conditions.h"

namespace services::s3 {

struct Source {
  std::string bucket;
  std::string key;
};
// "bucket/key", "/bucket/key", URL-encoded, perhaps with "?versionId=null".
api::Outcome<Source> parse_source(const std::optional<std::string>& header);

// s3:GetObject on the source, after what the destination needs.
async::Task<api::Outcome<wire::Checks>> with_source(const Deps& deps, const Context& context,
                                                    wire::Checks checks,
                                                    std::optional<std::string> header,
                                                    std::optional<std::string> expected_owner);

struct SourceObject {
  objects::Object object;
  std::string body;
};
// The whole object, or the range "bytes=first-last" of it.
async::Task<api::Outcome<SourceObject>> read_source(const Deps& deps, Source source,
                                                    ReadConditions conditions,
                                                    std::optional<std::string> range);

template <class Input>
ReadConditions source_conditions(const Input& input) {
  return {.if_match = input.copy_source_if_match,
          .if_none_match = input.copy_source_if_none_match,
          .if_modified_since = input.copy_source_if_modified_since,
          .if_unmodified_since = input.copy_source_if_unmodified_since};
}

}  // namespace services::s3
