#pragma once

// What every step of the init says to the server, and how it gives up.

#include <span>
#include <string_view>

#include "sandbox/init/plan.h"

namespace sandbox::init {

// Sends `message` with `descriptors` attached. A server that is gone is noticed elsewhere.
void send(const Message& message, std::span<const int> descriptors = {});

// Reports that `doing` failed with `error_number` and ends this process: in a sandbox that is
// process 1, so nothing is left of it.
[[noreturn]] void fail(std::string_view doing, int error_number);
[[noreturn]] void fail(std::string_view doing, std::string_view what, int error_number);

// fail()s with errno if `result` is negative.
inline int must(int result, std::string_view doing, std::string_view what = {});

}  // namespace sandbox::init

#include <cerrno>

inline int sandbox::init::must(int result, std::string_view doing, std::string_view what) {
  if (result < 0) fail(doing, what, errno);
  return result;
}
