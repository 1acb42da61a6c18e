#include "base/check.h"
#include "tables/number.h"

// Whatever parses comes back the same, and arithmetic stays within its range.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto number = tables::Number::parse(text);
  if (!number) return 0;
  const auto again = tables::Number::parse(number->to_string());
  CHECK(again && *again == *number);
  const auto zero = tables::Number::subtract(*number, *number);
  CHECK(zero && zero->is_zero());
  if (const auto sum = tables::Number::add(*number, tables::Number::of(1))) {
    const auto back = tables::Number::subtract(*sum, tables::Number::of(1));
    CHECK(back && *back == *number);
  }
  return 0;
}
