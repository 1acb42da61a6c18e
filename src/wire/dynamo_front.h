#pragma once

// What is DynamoDB's own around its operations: which requests it answers before it asks for a
// signature, its health page, and what every answer carries: a request id of its own form, a
// checksum, and compression for who accepts it. Pure; any core.

#include <optional>
#include <string>

#include "api/error.h"
#include "api/shape.h"
#include "base/random.h"
#include "wire/coral_front.h"

namespace wire {

// A request's body, as it came and inflated.
inline constexpr std::size_t kDynamoBodyMax = 16UL << 20;
// All header names and values, and the target; bytes.
inline constexpr std::size_t kDynamoHeadMax = 16UL << 10;

bool has_dynamo_front(const api::Service& service);

// 52 digits and capital letters.
std::string dynamo_request_id(base::Random& random);

// nullopt: go on. The answer lacks only what finish_dynamo_answer() adds.
std::optional<HttpResponse> refuse_at_dynamo(const FrontCall& call);

// What DynamoDB says in words of its own, where operations on tables and their tags lack the table,
// batches are empty or too large, and limits too small: before, and instead of, what its validator
// collects. `input` is the operation's.
std::optional<api::Error> missing_in_dynamo(const api::Shape& shape, const void* input);

// Once for every answer, last: names the type as the request did, compresses, then adds the
// checksum of what goes out, and the ids.
void finish_dynamo_answer(const HttpRequest& request, std::string_view request_id,
                          HttpResponse& response);

}  // namespace wire
