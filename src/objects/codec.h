#pragma once

// Entities as the bytes of docs/formats/objects.md and back. Pure functions, thread-safe. Decoding
// answers kCorruption for bytes that encode() did not make.

#include <string>
#include <string_view>

#include "base/result.h"
#include "objects/entities.h"

namespace objects {

std::string encode_bucket(const Bucket& bucket);
base::Result<Bucket> decode_bucket(std::string_view bytes);

// The key is not part of it.
std::string encode_object(const Object& object);
base::Result<Object> decode_object(std::string_view bytes, std::string key);

std::string encode_upload(const Upload& upload);
base::Result<Upload> decode_upload(std::string_view bytes);

std::string encode_part(const Part& part);
base::Result<Part> decode_part(std::string_view bytes);

}  // namespace objects
