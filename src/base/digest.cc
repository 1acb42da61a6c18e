#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#include <array>
#include <cstring>

#include "base/check.h"

namespace base {
namespace {

std::string digest(const EVP_MD* algorithm, std::string_view bytes) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(algorithm)), '\0');
  unsigned size = 0;
  CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &size,
                   algorithm, nullptr) == 1);
  return out;
}

std::string hmac(const EVP_MD* algorithm, std::string_view key, std::string_view bytes) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(algorithm)), '\0');
  unsigned size = 0;
  CHECK(HMAC(algorithm, key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
             reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr);
  return out;
}

template <class T>
constexpr std::array<T, 256> reflected_table(T polynomial) {
  std::array<T, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    T value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1U) ? (value >> 1U) ^ polynomial : value >> 1U;
    table[i] = value;
  }
  return table;
}
constexpr auto kCrc64Table = reflected_table<std::uint64_t>(0x9a6c9329ac4bc9b5U);
constexpr auto kCrc32cTable = reflected_table<std::uint32_t>(0x82f63b78U);

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view bytes,
                                                                std::uint32_t crc) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t wide = crc;
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; left > 0; --left, ++at)
    narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
  return narrow;
}
bool has_crc32c_instruction() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}
#else
std::uint32_t crc32c_hardware(std::string_view, std::uint32_t crc) { return crc; }
bool has_crc32c_instruction() { return false; }
#endif

}  // namespace

std::string sha256(std::string_view bytes) { return digest(EVP_sha256(), bytes); }
std::string sha1(std::string_view bytes) { return digest(EVP_sha1(), bytes); }
std::string md5(std::string_view bytes) { return digest(EVP_md5(), bytes); }
std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha256(), key, bytes);
}
std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha1(), key, bytes);
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  return static_cast<std::uint32_t>(
      crc32_z(before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  if (has_crc32c_instruction()) return ~crc32c_hardware(bytes, crc);
  for (const char c : bytes)
    crc = kCrc32cTable[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ (crc >> 8U);
  return ~crc;
}

std::uint64_t crc64_nvme(std::string_view bytes, std::uint64_t before) {
  std::uint64_t crc = ~before;
  for (const char c : bytes)
    crc = kCrc64Table[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ (crc >> 8U);
  return ~crc;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace base
