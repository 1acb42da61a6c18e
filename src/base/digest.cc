#include "base/digest.h"

// SHA-256 and MD5 by their own functions, which OpenSSL 3 would like to see no more of: its general
// ones take longer to begin and to end than a short text takes to hash, and a request has four of
// the one, and one of the other for each record.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <libdeflate.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/check.h"

namespace base {
namespace {

// One digest algorithm, fetched once: OpenSSL looks an algorithm up by its name each time that it
// is given one of the built-in tables, which takes longer than hashing a short text.
class Algorithm {
 public:
  explicit Algorithm(const char* name) : md_(EVP_MD_fetch(nullptr, name, nullptr)) {
    CHECK(md_ != nullptr);
  }
  const EVP_MD* get() const { return md_; }
  std::size_t size() const { return static_cast<std::size_t>(EVP_MD_get_size(md_)); }

 private:
  EVP_MD* md_;  // lives as long as the process
};

const Algorithm& sha1_algorithm() {
  static const Algorithm algorithm("SHA1");
  return algorithm;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Scratch of this thread: making one for each digest would cost two allocations.
EVP_MD_CTX* scratch() {
  static thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  return context.get();
}

std::string digest(const Algorithm& algorithm, std::string_view first,
                   std::string_view second = {}) {
  std::string out(algorithm.size(), '\0');
  EVP_MD_CTX* const context = scratch();
  CHECK(EVP_DigestInit_ex2(context, algorithm.get(), nullptr) == 1);
  CHECK(EVP_DigestUpdate(context, first.data(), first.size()) == 1);
  CHECK(EVP_DigestUpdate(context, second.data(), second.size()) == 1);
  CHECK(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1);
  return out;
}

// RFC 2104, for digests with blocks of 64 bytes.
std::string hmac(const Algorithm& algorithm, std::string_view key, std::string_view bytes) {
  std::array<char, 64> block{};
  if (key.size() > block.size()) {
    const std::string hashed = digest(algorithm, key);
    std::ranges::copy(hashed, block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  for (char& c : block) c = static_cast<char>(c ^ 0x36);
  const std::string_view padded(block.data(), block.size());
  const std::string inner = digest(algorithm, padded, bytes);
  for (char& c : block) c = static_cast<char>(c ^ 0x36 ^ 0x5c);
  std::string outer = digest(algorithm, padded, inner);
  OPENSSL_cleanse(block.data(), block.size());
  return outer;
}

constexpr std::size_t kSha256Block = 64;

Sha256 finish(SHA256_CTX& context) {
  Sha256 digest;
  CHECK(SHA256_Final(reinterpret_cast<unsigned char*>(digest.bytes.data()), &context) == 1);
  return digest;
}

// The state behind a block of `key`, each byte combined with `pad`.
std::array<std::uint32_t, 8> state_behind(std::string_view key, char pad) {
  std::array<char, kSha256Block> block;
  block.fill(pad);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] = static_cast<char>(key[i] ^ pad);
  SHA256_CTX context;
  CHECK(SHA256_Init(&context) == 1);
  CHECK(SHA256_Update(&context, block.data(), block.size()) == 1);
  std::array<std::uint32_t, 8> state;
  std::ranges::copy(context.h, state.begin());
  OPENSSL_cleanse(block.data(), block.size());
  OPENSSL_cleanse(&context, sizeof context);
  return state;
}

// Goes on behind a block.
Sha256 finish_from(const std::array<std::uint32_t, 8>& state, std::string_view bytes) {
  SHA256_CTX context;
  CHECK(SHA256_Init(&context) == 1);
  std::ranges::copy(state, context.h);
  context.Nl = kSha256Block * 8;
  CHECK(SHA256_Update(&context, bytes.data(), bytes.size()) == 1);
  return finish(context);
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

// The checksum of a text with kLaneBytes zero bytes behind it, from the text's own: checksums are
// linear, so one table for each of the four bytes is enough.
constexpr std::size_t kLaneBytes = 1024;
using LaneTables = std::array<std::array<std::uint32_t, 256>, 4>;

LaneTables make_lane_tables() {
  LaneTables tables{};
  for (unsigned bit = 0; bit < 32; ++bit) {
    std::uint32_t crc = 1U << bit;
    for (std::size_t i = 0; i < kLaneBytes; ++i) crc = kCrc32cTable[crc & 0xffU] ^ (crc >> 8U);
    for (unsigned byte = 0; byte < 256; ++byte)
      if (((byte >> (bit % 8)) & 1U) != 0) tables[bit / 8][byte] ^= crc;
  }
  return tables;
}

std::uint32_t over_a_lane(std::uint32_t crc) {
  static const LaneTables tables = make_lane_tables();
  return tables[0][crc & 0xffU] ^ tables[1][(crc >> 8U) & 0xffU] ^ tables[2][(crc >> 16U) & 0xffU] ^
         tables[3][crc >> 24U];
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint64_t add_word(std::uint64_t crc, const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return __builtin_ia32_crc32di(crc, word);
}

// The instruction answers after three cycles and can begin every cycle: three lanes side by side.
__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view bytes,
                                                                std::uint32_t crc) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 3 * kLaneBytes; left -= 3 * kLaneBytes, at += 3 * kLaneBytes) {
    std::uint64_t first = crc;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kLaneBytes; i += 8) {
      first = add_word(first, at + i);
      second = add_word(second, at + kLaneBytes + i);
      third = add_word(third, at + 2 * kLaneBytes + i);
    }
    crc = over_a_lane(static_cast<std::uint32_t>(first)) ^ static_cast<std::uint32_t>(second);
    crc = over_a_lane(crc) ^ static_cast<std::uint32_t>(third);
  }
  std::uint64_t wide = crc;
  for (; left >= 8; left -= 8, at += 8) wide = add_word(wide, at);
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

Sha256::Hex Sha256::hex() const {
  // Without a table, so that many are made at a time.
  const auto digit = [](unsigned value) {
    return static_cast<char>(value + (value > 9 ? 'a' - 10 : '0'));
  };
  Hex text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text.letters[2 * i] = digit(byte >> 4U);
    text.letters[2 * i + 1] = digit(byte & 15U);
  }
  return text;
}

Sha256 sha256_of(std::string_view bytes) {
  SHA256_CTX context;
  CHECK(SHA256_Init(&context) == 1);
  CHECK(SHA256_Update(&context, bytes.data(), bytes.size()) == 1);
  return finish(context);
}
Md5 md5_of(std::string_view bytes) {
  MD5_CTX context;
  Md5 digest;
  CHECK(MD5_Init(&context) == 1);
  CHECK(MD5_Update(&context, bytes.data(), bytes.size()) == 1);
  CHECK(MD5_Final(reinterpret_cast<unsigned char*>(digest.bytes.data()), &context) == 1);
  return digest;
}
std::string sha256(std::string_view bytes) { return std::string(sha256_of(bytes).view()); }
std::string sha1(std::string_view bytes) { return digest(sha1_algorithm(), bytes); }
std::string md5(std::string_view bytes) { return std::string(md5_of(bytes).view()); }
std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return std::string(HmacSha256(key).of(bytes).view());
}
std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  return hmac(sha1_algorithm(), key, bytes);
}

HmacSha256::HmacSha256(std::string_view key) {
  const Sha256 hashed = key.size() > kSha256Block ? sha256_of(key) : Sha256();
  if (key.size() > kSha256Block) key = hashed.view();
  inner_ = state_behind(key, 0x36);
  outer_ = state_behind(key, 0x5c);
}

Sha256 HmacSha256::of(std::string_view bytes) const {
  return finish_from(outer_, finish_from(inner_, bytes).view());
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) {
  return libdeflate_crc32(before, bytes.data(), bytes.size());
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
