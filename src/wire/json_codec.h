#pragma once

// JSON in and out of the structures that api::Shape describes: the bodies of the JSON 1.0 and 1.1
// protocols and of REST-JSON. Pure functions, thread-safe (a parser per thread is kept inside).
//
// Members that the shape does not know are ignored, null is absent, of a repeated name the last
// one counts. Timestamps are seconds since the epoch with milliseconds ("1795409460.123") unless
// the model says otherwise; blobs are base64. Limit: kJsonDepthMax levels of nesting.

#include <cstddef>
#include <string>
#include <string_view>

#include "api/error.h"
#include "api/shape.h"
#include "wire/packing.h"

namespace wire {

inline constexpr std::size_t kJsonDepthMax = 128;  // DynamoDB's 32 levels take 68

// Whose words a SerializationException uses (json_words.h).
enum class JsonFlavour {
  kKinesis,
  kDynamo,  // DynamoDB and its streams
  kModern,  // Lambda, Logs
};
JsonFlavour json_flavour(const api::Service& service);

// Fills `*object`, which must be fresh; members bound to other places than the body are left
// alone. On failure the object may be partly filled. Errors: SerializationException, HTTP 400.
api::Outcome<void> decode_json(std::string_view body, const api::Shape& shape, void* object,
                               JsonFlavour flavour, const JsonPacking& packing = {});
template <class T>
api::Outcome<T> decode_json(std::string_view body, const api::Shape& shape, JsonFlavour flavour) {
  T object;
  auto decoded = decode_json(body, shape, &object, flavour);
  if (!decoded) return std::unexpected(std::move(decoded).error());
  return object;
}

// Only what travels in the body: members bound to headers, URI, query or status are left out.
std::string encode_json(const api::Shape& shape, const void* object);
void append_json(std::string& out, const api::Shape& shape, const void* object);

// A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

// The error every decoder answers: SerializationException.
api::Error serialization_error(std::string message);

// An object or an array, whole and valid.
bool is_json_structure(std::string_view text);

}  // namespace wire
