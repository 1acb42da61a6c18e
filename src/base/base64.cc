// The base64 half of encoding.h: a table for every machine, and 24 bytes a step where the processor
// has AVX2 (asked once, at run time).

#include <algorithm>
#include <array>

#include "base/encoding.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace base {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kBad = 0xff;

consteval std::array<std::uint8_t, 256> base64_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kBad);
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::uint8_t>(i);
  return values;
}
constexpr auto kBase64Values = base64_values();

std::uint32_t byte_at(const char* at) { return static_cast<unsigned char>(*at); }
std::uint32_t value_at(const char* at) { return kBase64Values[byte_at(at)]; }

// How much of the input a step took, and where its output ended.
struct Progress {
  const char* from;
  char* to;
};

#if defined(__x86_64__)

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

// Each lane holds 12 bytes as four groups of three; the multiplications shift each group's four
// six-bit values to the low end of a byte of their own.
__attribute__((target("avx2"))) inline __m256i split_sextets(__m256i bytes) {
  const __m256i spread = _mm256_shuffle_epi8(
      bytes, _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,  //
                              1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  const __m256i high = _mm256_mulhi_epu16(_mm256_and_si256(spread, _mm256_set1_epi32(0x0fc0fc00)),
                                          _mm256_set1_epi32(0x04000040));
  const __m256i low = _mm256_mullo_epi16(_mm256_and_si256(spread, _mm256_set1_epi32(0x003f03f0)),
                                         _mm256_set1_epi32(0x01000010));
  return _mm256_or_si256(high, low);
}

// A character is its value plus an offset that depends on the value's range only:
// 0-25 +65, 26-51 +71, 52-61 -4, 62 -19, 63 -16.
__attribute__((target("avx2"))) inline __m256i sextets_to_text(__m256i values) {
  const __m256i offsets =
      _mm256_setr_epi8(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0,  //
                       71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0);
  const __m256i past_letters = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
  const __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);
  const __m256i range =
      _mm256_or_si256(past_letters, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
  return _mm256_add_epi8(values, _mm256_shuffle_epi8(offsets, range));
}

__attribute__((target("avx2"))) Progress encode_avx2(const char* from, const char* end, char* to) {
  // The second load reads four bytes past the 24 that count.
  for (; end - from >= 28; from += 24, to += 32) {
    const __m256i bytes =
        _mm256_set_m128i(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 12)),
                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), sextets_to_text(split_sextets(bytes)));
  }
  return {from, to};
}

// Bits that a character's low and high half set; a character is foreign when they share one.
__attribute__((target("avx2"))) inline bool all_base64(__m256i text, __m256i high) {
  const __m256i by_low =
      _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b,
                       0x1b, 0x1b, 0x1a, 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                       0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
  const __m256i by_high =
      _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10,
                       0x10, 0x10, 0x10, 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10,
                       0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  const __m256i low = _mm256_and_si256(text, _mm256_set1_epi8(0x0f));
  return _mm256_testz_si256(_mm256_shuffle_epi8(by_low, low), _mm256_shuffle_epi8(by_high, high)) !=
         0;
}

__attribute__((target("avx2"))) inline __m256i text_to_bytes(__m256i text, __m256i high) {
  const __m256i offsets = _mm256_setr_epi8(                      //
      0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0,  //
      0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i slash = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('/'));
  const __m256i values =
      _mm256_add_epi8(text, _mm256_shuffle_epi8(offsets, _mm256_add_epi8(slash, high)));
  const __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
  const __m256i groups = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));
  const __m256i packed = _mm256_shuffle_epi8(
      groups, _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,  //
                               2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
  return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, -1, -1));
}

// Stops in front of the first step that holds a foreign character, which the table then finds.
__attribute__((target("avx2"))) Progress decode_avx2(const char* from, const char* end, char* to) {
  // A step writes 32 bytes of which 24 count: there must be room, so 12 more characters follow.
  for (; end - from >= 44; from += 32, to += 24) {
    const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m256i high = _mm256_and_si256(_mm256_srli_epi32(text, 4), _mm256_set1_epi8(0x0f));
    if (!all_base64(text, high)) break;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), text_to_bytes(text, high));
  }
  return {from, to};
}

#else

bool has_avx2() { return false; }
Progress encode_avx2(const char* from, const char*, char* to) { return {from, to}; }
Progress decode_avx2(const char* from, const char*, char* to) { return {from, to}; }

#endif

void encode(const char* from, const char* end, char* to) {
  if (has_avx2()) {
    const Progress done = encode_avx2(from, end, to);
    from = done.from;
    to = done.to;
  }
  for (; end - from >= 3; from += 3) {
    const std::uint32_t word = byte_at(from) << 16U | byte_at(from + 1) << 8U | byte_at(from + 2);
    *to++ = kBase64[word >> 18U];
    *to++ = kBase64[(word >> 12U) & 63U];
    *to++ = kBase64[(word >> 6U) & 63U];
    *to++ = kBase64[word & 63U];
  }
  if (from == end) return;
  const bool two = end - from == 2;
  const std::uint32_t word = byte_at(from) << 16U | (two ? byte_at(from + 1) << 8U : 0U);
  *to++ = kBase64[word >> 18U];
  *to++ = kBase64[(word >> 12U) & 63U];
  *to++ = two ? kBase64[(word >> 6U) & 63U] : '=';
  *to++ = '=';
}

// `from` to `end` without padding. False: a foreign character.
bool decode(const char* from, const char* end, char* to) {
  if (has_avx2()) {
    const Progress done = decode_avx2(from, end, to);
    from = done.from;
    to = done.to;
  }
  std::uint32_t bad = 0;
  for (; end - from >= 4; from += 4) {
    const std::uint32_t a = value_at(from), b = value_at(from + 1), c = value_at(from + 2),
                        d = value_at(from + 3);
    bad |= (a | b | c | d) & 0x80U;
    const std::uint32_t word = a << 18U | b << 12U | c << 6U | d;
    *to++ = static_cast<char>(word >> 16U);
    *to++ = static_cast<char>(word >> 8U);
    *to++ = static_cast<char>(word);
  }
  if (bad != 0 || end - from == 1) return false;
  if (from == end) return true;
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const bool there = from + i < end;
    const std::uint32_t value = there ? value_at(from + i) : 0;
    if (value == kBad) return false;
    word = word << 6U | value;
  }
  *to++ = static_cast<char>(word >> 16U);
  if (end - from == 3) *to++ = static_cast<char>(word >> 8U);
  return true;
}

// Makes a string of `size` bytes that `fill` writes, without setting them to zero before. (The size
// that resize_and_overwrite hands on is not to be trusted: libstdc++ 12 rounds it up.)
template <class Fill>
void overwrite(std::string& out, std::size_t size, Fill fill) {
  out.resize_and_overwrite(size, [&](char* buffer, std::size_t) {
    fill(buffer);
    return size;
  });
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const std::size_t start = out.size();
  overwrite(out, start + (bytes.size() + 2) / 3 * 4, [&](char* buffer) {
    encode(bytes.data(), bytes.data() + bytes.size(), buffer + start);
  });
}

std::string base64(std::string_view bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  if (text.ends_with("==")) padding = 2;
  else if (text.ends_with('=')) padding = 1;
  text.remove_suffix(padding);

  std::string bytes;
  bool good = false;
  overwrite(bytes, text.size() * 3 / 4, [&](char* buffer) {
    good = decode(text.data(), text.data() + text.size(), buffer);
    if (!good) std::fill_n(buffer, text.size() * 3 / 4, '\0');
  });
  if (!good) return std::nullopt;
  return bytes;
}

}  // namespace base
