#pragma once

// nghttp2's session, wired to an engine. Internal to http2_*.

#include <nghttp2/nghttp2.h>

namespace wire {

class Http2Engine;

// nullptr: out of memory.
nghttp2_session* new_http2_session(Http2Engine& engine);
// Reads a stream's answer, for nghttp2.
nghttp2_data_provider answer_provider();

}  // namespace wire
