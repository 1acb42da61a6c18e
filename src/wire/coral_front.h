#pragma once

// What stands before signatures at AWS's older JSON services (Kinesis): which method, which content
// type, is there a body, can it be read, is the operation known. Each has an answer of its own, in
// CBOR, JSON or bare XML, and only who passes is asked for a signature. Also the answers to
// browsers (CORS), which all JSON services give. Pure; any core.
//
// Nothing here costs more than looking at headers, except for requests that are refused anyway.

#include <optional>
#include <string_view>

#include "api/shape.h"
#include "wire/http_types.h"

namespace wire {

// Larger bodies of unknown people are not parsed only to say that they cannot be.
inline constexpr std::size_t kFrontParseMax = 1UL << 20;

struct FrontCall {
  const HttpRequest& request;
  bool known = false;  // X-Amz-Target names an operation of the service
};

bool has_coral_front(const api::Service& service);

// nullopt: go on. The answer lacks only its ids.
std::optional<HttpResponse> refuse_at_front(const FrontCall& call);
// For a request whose signature does not hold: a body that cannot be read is said first.
std::optional<HttpResponse> refuse_unreadable(const HttpRequest& request);

// The answer to OPTIONS with an Origin; nullopt: something else.
std::optional<HttpResponse> answer_preflight(const HttpRequest& request);
// Lets a browser read the headers of AWS's own; DynamoDB does so in preflights too.
void expose_headers(HttpResponse& response);
// Lets a browser read the answer, if one asked.
void allow_origin(const HttpRequest& request, HttpResponse& response);

}  // namespace wire
