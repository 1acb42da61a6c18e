#pragma once

// The texts of SerializationException: what each family of services says when a JSON value is not
// of the kind that a shape wants. Facts that test suites match on; pure functions.

#include <string>
#include <string_view>

#include "api/shape.h"
#include "wire/json_codec.h"

namespace wire {

// What stands in the JSON.
enum class JsonFound { kString, kTrue, kFalse, kInteger, kDecimal, kArray, kObject };

struct JsonMismatch {
  const api::Shape& wanted;
  JsonFound found;
  std::string_view text = {};  // the string found
  bool nested = false;         // the value is an element of a list or map
};

std::string mismatch_text(JsonFlavour flavour, const JsonMismatch& mismatch);

// Why `text` is no base64, as the service says it.
std::string bad_base64_text(JsonFlavour flavour, std::string_view text);

}  // namespace wire
