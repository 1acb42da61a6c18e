#include "sdk/encoding.h"

#include <gtest/gtest.h>

namespace sdk {
namespace {

TEST(Base64, ReadsTheVectorsOfRfc4648) {
  EXPECT_EQ(base64_decode(""), "");
  EXPECT_EQ(base64_decode("Zg=="), "f");
  EXPECT_EQ(base64_decode("Zm8="), "fo");
  EXPECT_EQ(base64_decode("Zm9v"), "foo");
  EXPECT_EQ(base64_decode("Zm9vYmFy"), "foobar");
  EXPECT_EQ(base64_encode("fooba"), "Zm9vYmE=");
}

TEST(Base64, KeepsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "=Zg=", "Zh==", "Zm9=", "Zm 9", "Zm9v\n",
                           "Z===", "====", "Zm-_"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

TEST(Hex, IsLowerCase) { EXPECT_EQ(hex_encode(std::string_view("\x00\xffz", 3)), "00ff7a"); }

TEST(Crc32, GivesTheCheckValue) { EXPECT_EQ(crc32("123456789"), 0xcbf43926U); }

TEST(Utf8Prefix, CutsBetweenCharacters) {
  EXPECT_EQ(utf8_prefix("abc", 3), "abc");
  EXPECT_EQ(utf8_prefix("a\u00e9", 2), "a");
  EXPECT_EQ(utf8_prefix("\U0001f60ax", 3), "");
  EXPECT_EQ(utf8_prefix("\U0001f60ax", 4), "\U0001f60a");
}

}  // namespace
}  // namespace sdk
