#pragma once

// An api::Error as the HTTP answer that the service's protocol asks for. Pure, thread-safe.

#include <string_view>

#include "api/error.h"
#include "api/shape.h"
#include "wire/http_types.h"

namespace wire {

struct ErrorFrame {
  std::string_view request_id;
  std::string_view host_id = {};   // S3: HostId and x-amz-id-2
  std::string_view resource = {};  // S3: the path asked for
  // The content type of the request; a CBOR request gets a CBOR error.
  std::string_view request_content_type = {};
  bool head = false;  // a HEAD request: no body
};

// Adds what every answer of the service carries, good or bad: request ids, and DynamoDB's
// x-amz-crc32 of the body. For error answers render_error() has done it.
void add_answer_headers(HttpResponse& response, const api::Service& service,
                        std::string_view request_id, std::string_view host_id = {});

HttpResponse render_error(const api::Error& error, const api::Service& service,
                          const ErrorFrame& frame);

}  // namespace wire
