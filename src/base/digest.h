#pragma once

// Checksums and digests. All functions are pure; digests come back as raw bytes.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace base {

// A digest without a memory of its own; for those who take many.
struct Sha256 {
  struct Hex {
    std::array<char, 64> letters;
    std::string_view view() const { return {letters.data(), letters.size()}; }
  };
  std::array<char, 32> bytes;
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
  Hex hex() const;  // lower case
};
Sha256 sha256_of(std::string_view bytes);

struct Md5 {
  std::array<char, 16> bytes;
  std::string_view view() const { return {bytes.data(), bytes.size()}; }
};
Md5 md5_of(std::string_view bytes);

std::string sha256(std::string_view bytes);                             // 32 bytes
std::string sha1(std::string_view bytes);                               // 20 bytes
std::string md5(std::string_view bytes);                                // 16 bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 bytes
std::string hmac_sha1(std::string_view key, std::string_view bytes);    // 20 bytes (OAuth 1)

// HMAC-SHA256 with one key for many texts: the key is taken in once. As secret as the key; a value,
// immutable, so free to use from any thread.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  Sha256 of(std::string_view bytes) const;

 private:
  // SHA-256's state behind the key's block.
  using State = std::array<std::uint32_t, 8>;
  State inner_;
  State outer_;
};

std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);   // IEEE 802.3, as zlib
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);  // Castagnoli
std::uint64_t crc64_nvme(std::string_view bytes, std::uint64_t before = 0);

// Compares in time that does not depend on where the two differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace base
