#pragma once

// What makes a CompleteMultipartUpload acceptable. Pure, thread-safe.

#include "api/s3/types.h"
#include "services/s3/common.h"

namespace services::s3 {

inline constexpr std::uint64_t kPartBytesMin = 5UL << 20;  // but for the last part

// The parts that the request names, in its order, and the object's checksum.
api::Outcome<objects::Objects::Choice> choose_parts(
    const objects::Upload& upload, const std::vector<objects::Part>& parts,
    const api::s3::CompleteMultipartUploadRequest& input);

}  // namespace services::s3
