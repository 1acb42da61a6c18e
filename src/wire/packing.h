#pragma once

// JsonPacking: one kind of map that a service reads by itself, straight from the JSON of a request
// (api/packed.h). It has to take only what it knows well: all else is read as any other map, with
// all the checks and texts of that.

#include "api/shape.h"

namespace simdjson::dom {
class object;
}

namespace wire {

struct JsonPacking {
  const api::Shape* shape = nullptr;  // of a map whose C++ type is an api::Packed
  // Fills `slot`, the api::Packed; or leaves it alone and answers false. Thread-safe.
  bool (*pack)(const simdjson::dom::object& fields, void* slot) = nullptr;
};

}  // namespace wire
