// The response parser, fed in pieces whose size the first byte chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "sdk/http_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] == 0 ? size : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  sdk::ResponseParser parser;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const auto done = parser.feed(bytes.substr(at, piece));
    if (!done) return 0;
    if (*done) break;
  }
  const auto done = parser.end_of_stream();
  if (!done) return 0;
  const sdk::Response response = parser.take();
  if (response.body.size() > size) std::abort();  // a body can only come from the input
  return 0;
}
