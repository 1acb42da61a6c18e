// Text encodings and checksums that the SDK needs: base64 (RFC 4648, padded), lower-case hex,
// CRC-32 (the zlib polynomial, as in the x-amz-crc32 header), UTF-8 checking. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sdk {

// Strict: length a multiple of four, padding only at the end, no white space, no stray bits.
std::optional<std::string> base64_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);
std::string hex_encode(std::string_view bytes);
std::uint32_t crc32(std::string_view bytes);
// The longest prefix of at most bytes_max bytes that does not cut a UTF-8 sequence.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max);

}  // namespace sdk
