#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/ascii.h"
#include "base/digest.h"
#include "base/random.h"
#include "base/time_text.h"

namespace base {
namespace {

TEST(Base64, RoundTripsEveryLength) {
  SeededRandom random(1);
  for (std::size_t length = 0; length < 100; ++length) {
    const std::string bytes = random_text(random, "\x01\x7f\xffz", length);
    EXPECT_EQ(from_base64(base64(bytes)), bytes);
  }
}

// Every byte against every other, in short texts and in long ones, wherever it stands.
TEST(EqualIgnoringCase, TellsAllButAsciisLettersApart) {
  const auto lower = [](int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
  for (const std::size_t length : {1, 7, 8, 19}) {
    for (const std::size_t at : {std::size_t{0}, length / 2, length - 1}) {
      std::string left(length, 'x');
      std::string right(length, 'X');
      EXPECT_TRUE(equal_ignoring_case(left, right));
      for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
          left[at] = static_cast<char>(a);
          right[at] = static_cast<char>(b);
          ASSERT_EQ(equal_ignoring_case(left, right), lower(a) == lower(b)) << a << ' ' << b;
        }
      }
    }
  }
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("host", "hos"));
}

// Long enough for the wide steps, at every alignment and with every byte.
TEST(Base64, RoundTripsLongAndEveryByte) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i * 7 + i / 256);
  for (std::size_t start = 0; start < 64; ++start) {
    for (std::size_t length = 100; length < 200; ++length) {
      const std::string part = bytes.substr(start * 5, length);
      const std::string text = base64(part);
      ASSERT_EQ(text.size(), (length + 2) / 3 * 4);
      ASSERT_EQ(from_base64(text), part);
    }
  }
  EXPECT_EQ(base64(std::string(30, '\xff')).substr(0, 39), std::string(39, '/'));
  EXPECT_EQ(base64("abcdefghijklmnopqrstuvwxyz0123456789"),
            "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU2Nzg5");
}

TEST(Base64, FindsAForeignCharacterAnywhereInALongText) {
  const std::string good = base64(std::string(120, 'q'));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string text = good;
      text[at] = static_cast<char>(c);
      const bool letter = std::isalnum(c) != 0 && c < 128;
      ASSERT_EQ(from_base64(text).has_value(),
                letter || c == '+' || c == '/' || (c == '=' && at + 1 == good.size()))
          << at << " " << c;
    }
  }
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (const char* text : {"A", "AB", "ABC", "A===", "AB=C", "AB C", "ABCD=", "AB\xff="})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  EXPECT_EQ(from_base64("TWE="), "Ma");
}

TEST(Uri, EncodesAsSigV4Asks) {
  EXPECT_EQ(uri_encode("a b/ü~*"), "a%20b%2F%C3%BC~%2A");
  EXPECT_EQ(uri_encode("a/b", true), "a/b");
  EXPECT_EQ(uri_decode("a%20b+c%zz"), "a b+c%zz");
  EXPECT_EQ(uri_decode("a+b", true), "a b");
}

TEST(Utf8, RefusesOverlongSurrogatesAndCuts) {
  EXPECT_TRUE(is_valid_utf8("héllo 😋 日本"));
  for (const char* text : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"})
    EXPECT_FALSE(is_valid_utf8(text));
}

TEST(Integers, KeepNumberOrderInByteOrder) {
  std::string a;
  std::string b;
  append_u64(a, 255);
  append_u64(b, 256);
  EXPECT_LT(a, b);
  EXPECT_EQ(read_u64(b), 256U);
}

TEST(Digest, MatchesPublishedVectors) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(crc32("123456789"), 0xcbf43926U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc64_nvme("123456789"), 0xae8b14860a799888U);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283U);
  std::string text;
  std::uint32_t byte_by_byte = 0;
  for (std::size_t i = 0; i < 10'000; ++i) {
    text += static_cast<char>(i * i + i / 3);
    byte_by_byte = crc32c(std::string_view(text).substr(i), byte_by_byte);
    if (i % 500 == 0) EXPECT_EQ(crc32c(text), byte_by_byte) << text.size();
  }
  EXPECT_EQ(crc32c(text), byte_by_byte);
}

TEST(Digest, OfSha256WithoutMemoryIsTheSame) {
  const std::string text(200, 'q');
  for (const std::size_t length : {0UL, 1UL, 55UL, 56UL, 63UL, 64UL, 65UL, 200UL}) {
    const std::string part = text.substr(0, length);
    EXPECT_EQ(sha256_of(part).view(), sha256(part));
    EXPECT_EQ(sha256_of(part).hex().view(), hex(sha256(part)));
  }
  EXPECT_EQ(sha256_of("").hex().view(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231, test cases 1, 2 and 6.
TEST(Digest, HmacSha256TakesKeysOfAnyLength) {
  const HmacSha256 short_key(std::string(20, '\x0b'));
  for (int again = 0; again < 2; ++again)
    EXPECT_EQ(short_key.of("Hi There").hex().view(),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xaa'),
                            "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(TimeText, RoundTrips) {
  const Timestamp time = from_epoch_ms(1'795'409'460'123);
  EXPECT_EQ(iso8601_ms(time), "2026-11-23T04:51:00.123Z");
  EXPECT_EQ(parse_iso8601("2026-11-23T05:51:00.123+01:00"), time);
  EXPECT_EQ(http_date(time), "Mon, 23 Nov 2026 04:51:00 GMT");
  EXPECT_EQ(parse_http_date("Mon, 23 Nov 2026 04:51:00 GMT"), from_epoch_ms(1'795'409'460'000));
  EXPECT_EQ(parse_amz_date("20261123T045100Z"), from_epoch_ms(1'795'409'460'000));
  EXPECT_EQ(parse_amz_date("20261323T045100Z"), std::nullopt);
}

}  // namespace
}  // namespace base
