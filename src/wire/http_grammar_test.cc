#include "wire/http_grammar.h"

#include <gtest/gtest.h>

namespace wire {
namespace {

// Every byte, in short texts and in long ones, wherever it stands, beside a tab or not.
TEST(HttpGrammar, FindsControlCharactersInFieldValues) {
  for (const std::size_t length : {1, 7, 8, 16, 21}) {
    for (std::size_t at = 0; at < length; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(length, 'x');
        text.front() = '\t';
        text[at] = static_cast<char>(byte);
        const bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        ASSERT_EQ(is_field_value(text), good) << byte << " at " << at << " of " << length;
      }
    }
  }
  EXPECT_TRUE(is_field_value(""));
}

}  // namespace
}  // namespace wire
