#pragma once

// Checksums and digests. All functions are pure; digests come back as raw bytes.

#include <cstdint>
#include <string>
#include <string_view>

namespace base {

std::string sha256(std::string_view bytes);                             // 32 bytes
std::string sha1(std::string_view bytes);                               // 20 bytes
std::string md5(std::string_view bytes);                                // 16 bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 bytes
std::string hmac_sha1(std::string_view key, std::string_view bytes);    // 20 bytes (OAuth 1)

std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);   // IEEE 802.3, as zlib
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);  // Castagnoli
std::uint64_t crc64_nvme(std::string_view bytes, std::uint64_t before = 0);

// Compares in time that does not depend on where the two differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace base
