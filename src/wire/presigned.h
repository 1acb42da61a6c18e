#pragma once

// What is particular to S3's signatures, between the signature and the operation: pure functions.

#include "api/error.h"
#include "api/shape.h"
#include "wire/http_types.h"

namespace wire {

// A presigned URL carries in its query what would have been headers (x-amz-..., content-type,
// content-md5); both versions of signatures cover them. Adds those that were not sent as headers.
// For verified requests only.
void adopt_presigned_headers(HttpRequest& request);

// Version 2 leaves all query parameters but a known few unsigned. An operation that another one
// chooses is not what was signed, and must be refused with v2_not_taken().
bool v2_covers(const api::Operation& operation);
api::Error v2_not_taken();

}  // namespace wire
