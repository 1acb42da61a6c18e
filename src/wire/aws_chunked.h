#pragma once

// Bodies in "Content-Encoding: aws-chunked": chunks signed or not, trailers, checksums. Pure
// functions, thread-safe; the ChunkVerifier is the request's own.
//
//   size-hex[;chunk-signature=64 hex]\r\n  data \r\n ... 0[;chunk-signature=...]\r\n
//   [name:value\r\n ...] [x-amz-trailer-signature:64 hex\r\n] \r\n

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/error.h"
#include "auth/sigv4.h"

namespace wire {

inline constexpr std::size_t kChunkHeaderBytesMax = 1'024;
inline constexpr std::size_t kTrailersMax = 32;
inline constexpr std::size_t kTrailerBytesMax = 8UL << 10;

struct ChunkedOptions {
  auth::PayloadMode mode = auth::PayloadMode::kUnsignedChunksTrailer;
  // Verifies each chunk; must be there for the signed modes, nullptr otherwise.
  auth::ChunkVerifier* verifier = nullptr;
  // x-amz-decoded-content-length; nullopt: not sent.
  std::optional<std::uint64_t> decoded_length = std::nullopt;
};

struct ChunkedBody {
  std::string data;
  std::vector<std::pair<std::string, std::string>> trailers;  // names in lower case
};

// Errors: IncompleteBody, InvalidChunkSizeError, MalformedTrailerError, SignatureDoesNotMatch.
api::Outcome<ChunkedBody> decode_aws_chunked(std::string_view body, const ChunkedOptions& options);

// Compares what the request says of its body (x-amz-checksum-*, in headers or trailers, and
// Content-MD5) with the body, and that the trailers named in x-amz-trailer have come. nullopt: all
// that was said is true. Not for CompleteMultipartUpload, whose checksum is the object's.
// Errors: BadDigest, InvalidDigest, InvalidRequest, HTTP 400, in S3's words.
std::optional<api::Error> verify_checksums(
    std::span<const auth::HeaderView> headers, std::string_view body,
    std::span<const std::pair<std::string, std::string>> trailers = {});

// The checksum of `body` as S3 writes it (base64). `algorithm`: "CRC32", "CRC32C", "CRC64NVME",
// "SHA1", "SHA256", any case. nullopt: another name.
std::optional<std::string> checksum(std::string_view algorithm, std::string_view body);

}  // namespace wire
