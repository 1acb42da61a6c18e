#pragma once

// Compressed bodies, as DynamoDB takes and gives them and Kinesis takes them (AWS's SDK for Android
// sends PutRecords so): gzip and deflate (the zlib form of RFC 1950). Pure; any core. A body is
// inflated only for a caller who has been authenticated, and never beyond kInflatedMax, however
// small it was.

#include <optional>
#include <string>
#include <string_view>

#include "api/error.h"
#include "wire/http_types.h"

namespace wire {

inline constexpr std::size_t kInflatedMax = 16UL << 20;
// Answers up to this size go out as they are.
inline constexpr std::size_t kUncompressedMax = 4096;

enum class ContentCoding { kIdentity, kGzip, kDeflate };

std::string_view name_of(ContentCoding coding);

// The value of a Content-Encoding header; nullopt: one that nobody here knows.
std::optional<ContentCoding> content_coding(std::string_view name);

// What an Accept-Encoding header prefers, read as leniently as DynamoDB reads it: `identity` does
// not count, a name beats `*`, and a quality that is no number is 1.
ContentCoding accepted_coding(std::string_view header);

// Whole bodies. nullopt: broken, cut off, empty, or larger than kInflatedMax.
std::optional<std::string> inflate_body(ContentCoding coding, std::string_view body);
// Undoes a request's Content-Encoding. Only after the signature, which covers the body as sent.
api::Outcome<void> inflate_request(HttpRequest& request);
// nullopt: there was no memory for it.
std::optional<std::string> deflate_body(ContentCoding coding, std::string_view body);

}  // namespace wire
