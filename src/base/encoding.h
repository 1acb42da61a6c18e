#pragma once

// Text forms of bytes. All functions are pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string hex(std::string_view bytes);                     // lower case
std::optional<std::string> from_hex(std::string_view text);  // either case; nullopt: malformed

std::string base64(std::string_view bytes);                     // padded, RFC 4648 section 4
std::optional<std::string> from_base64(std::string_view text);  // strict: padding required
void append_base64(std::string& out, std::string_view bytes);

// AWS's UriEncode: everything but A-Z a-z 0-9 - . _ ~ becomes %XX; '/' too unless `keep_slash`.
std::string uri_encode(std::string_view text, bool keep_slash = false);
// "%41+b" -> "A b" when `plus_is_space`; malformed escapes stay as they are.
std::string uri_decode(std::string_view text, bool plus_is_space = false);

bool is_valid_utf8(std::string_view text);

// Big-endian integers, so that byte order is number order: the form of store keys.
void append_u16(std::string& out, std::uint16_t value);
void append_u32(std::string& out, std::uint32_t value);
void append_u64(std::string& out, std::uint64_t value);
std::uint16_t read_u16(
    std::string_view bytes);  // reads the first 2 bytes; CHECKs that they are there
std::uint32_t read_u32(std::string_view bytes);
std::uint64_t read_u64(std::string_view bytes);

}  // namespace base
