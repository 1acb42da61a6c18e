// However the bytes are cut, the same events come out, none over the limit.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "feed/sse_parser.h"

namespace {

constexpr std::size_t kLimit = 64;

std::vector<std::string> events(std::string_view bytes, std::size_t step) {
  feed::SseParser parser(kLimit);
  std::vector<std::string> found;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    while (auto event = parser.next()) {
      CHECK(!event->data.empty());
      CHECK(event->data.size() <= kLimit);
      found.push_back(event->type + '\0' + event->data + '\0' + event->id);
    }
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto bytewise = events(bytes, 1);
  const auto at_once = events(bytes, bytes.size() + 1);
  CHECK(bytewise == at_once);
  return 0;
}
