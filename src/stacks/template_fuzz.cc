// Templates as they come off the network: JSON and YAML, then structure and references.

#include <cstddef>
#include <cstdint>

#include "stacks/template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = stacks::parse_template(text);
  if (parsed) {
    // What was accepted survives being stored and read again.
    const auto again = stacks::parse_json(stacks::to_json(parsed->document));
    if (!again || !(*again == parsed->document)) __builtin_trap();
  }
  return 0;
}
