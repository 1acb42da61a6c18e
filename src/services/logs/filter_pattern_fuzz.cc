#include "services/logs/filter_pattern.h"

// A pattern, a zero byte, an event: parsing ends, and so does matching; the same pattern says the
// same twice.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::string_view text = all.substr(0, all.find('\0'));
  const std::string_view event = text.size() < all.size() ? all.substr(text.size() + 1) : "";
  const auto pattern = services::logs::FilterPattern::parse(text);
  if (!pattern) return 0;
  if (pattern->matches(event) != pattern->matches(event)) __builtin_trap();
  pattern->matches(text);
  return 0;
}
