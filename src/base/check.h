#pragma once

// CHECK(condition): states an invariant of ours, on in every build. A failure is a bug in Millrace,
// never reachable from input; it prints the place and aborts, because going on could lose data.

#include <string_view>

namespace base {
[[noreturn]] void check_failed(std::string_view condition, std::string_view file, int line);
}

#define CHECK(condition)                                    \
  do {                                                      \
    if (!(condition)) [[unlikely]]                          \
      ::base::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
