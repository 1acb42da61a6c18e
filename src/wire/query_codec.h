#pragma once

// The Query protocol: form parameters in, XML out. Pure functions, thread-safe.
// Parameters: "Tags.member.1.Key=a", maps "Attributes.entry.1.key", flattened lists "Names.1".
// Limits: kQueryParametersMax parameters, kQueryDepthMax levels; a list is built of the indexes
// that are there, in number order, however large the numbers.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "api/error.h"
#include "api/shape.h"

namespace wire {

inline constexpr std::size_t kQueryParametersMax = 20'000;
inline constexpr std::size_t kQueryDepthMax = 32;

// Names and values of a form body or a query string, decoded; of a repeated name the last counts.
// Errors: MalformedQueryString.
using Form = std::map<std::string, std::string, std::less<>>;
api::Outcome<Form> parse_form(std::string_view text);

// Fills `*object` by the names of `shape`; Action, Version and unknown names are ignored.
// Errors: MalformedInput, HTTP 400.
api::Outcome<void> decode_query(const Form& form, const api::Shape& shape, void* object);

// <XxxResponse xmlns=".."><XxxResult>..</XxxResult><ResponseMetadata><RequestId>..
// The result element stands whenever the model has one, even with nothing in it.
std::string encode_query(const api::Operation& operation, const void* output,
                         std::string_view request_id);

}  // namespace wire
