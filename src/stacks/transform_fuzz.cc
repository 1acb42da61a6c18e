// Templates with serverless resources, as they come off the network. What is made of one declares
// the transform no more.

#include <cstddef>
#include <cstdint>

#include "stacks/template.h"
#include "stacks/transform.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto expanded = stacks::expand_transforms(text);
  if (!expanded || *expanded == text) return 0;
  const auto again = stacks::expand_transforms(*expanded);
  if (!again || *again != *expanded) __builtin_trap();
  return 0;
}
