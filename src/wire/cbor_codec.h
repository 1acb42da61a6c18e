#pragma once

// CBOR (RFC 8949) in and out of the structures that api::Shape describes. Pure functions,
// thread-safe. Definite and indefinite lengths are read, definite lengths written. Limits:
// kCborDepthMax levels; a length never makes memory that the body's bytes do not fill.

#include <cstddef>
#include <string>
#include <string_view>

#include "api/error.h"
#include "api/shape.h"

namespace wire {

inline constexpr std::size_t kCborDepthMax = 128;

enum class CborFlavour {
  kAwsCbor11,  // application/x-amz-cbor-1.1: timestamps are tag 1 and integer milliseconds
  kRpcV2,      // smithy-rpc-v2-cbor: timestamps are tag 1 and seconds
};

// Fills `*object`, which must be fresh. An empty body counts as an empty map for kRpcV2.
// Errors: SerializationException, HTTP 400.
api::Outcome<void> decode_cbor(std::string_view body, const api::Shape& shape, void* object,
                               CborFlavour flavour);

std::string encode_cbor(const api::Shape& shape, const void* object, CborFlavour flavour);

// Pieces for whoever writes CBOR without a shape (errors).
void append_cbor_map(std::string& out, std::size_t entries);
void append_cbor_text(std::string& out, std::string_view text);

}  // namespace wire
