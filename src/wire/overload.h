#pragma once

// What a client hears when the server has no memory for what it wants, in the form of the protocol
// that it speaks: an error that AWS's clients take for throttling and try again after a pause.
// Pure.

#include <string_view>

#include "wire/http_types.h"

namespace wire {

// `content_type` of the request, or of the answer that it would have had: JSON and CBOR get a
// ThrottlingException (400), forms a Throttling (400), everything else S3's SlowDown (503).
HttpResponse overloaded(std::string_view content_type);

}  // namespace wire
