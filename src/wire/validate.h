#pragma once

// Checks a request's structure against the limits its shapes state (required members, lengths,
// counts, ranges, patterns, enumerations) and words what is wrong as AWS does. Pure, thread-safe:
// patterns are compiled once each, by an engine that takes linear time.
//
// The rules of wording and order stand at the top of validate.cc. S3 validates nothing here.
// Patterns that the engine cannot read are not checked; a test sees to it that the models have
// none.

#include <optional>
#include <string>
#include <string_view>

#include "api/error.h"
#include "api/shape.h"

namespace wire {

// As many violations as AWS lists.
inline constexpr std::size_t kViolationsMax = 10;

// nullopt: fine. Else ValidationException (JSON), ValidationError (Query) or what the service
// says, HTTP 400.
std::optional<api::Error> validate(const api::Shape& shape, const void* object,
                                   const api::Service& service);

// True when `text` as a whole matches the model's pattern; nullopt: a pattern not understood.
std::optional<bool> matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace wire
