// However the bytes are cut, the same lines come out, and no byte is lost between them.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "feed/line_splitter.h"

namespace {

constexpr std::size_t kLimit = 16;

std::vector<std::string> lines(std::string_view bytes, std::size_t step) {
  const std::size_t size = bytes.size();
  feed::LineSplitter splitter(kLimit);
  std::vector<std::string> found;
  std::uint64_t end = 0;
  const auto keep = [&](const feed::Line& line) {
    CHECK(line.text.size() <= kLimit);
    CHECK(line.end > end);
    end = line.end;
    found.push_back((line.too_long ? "-" : "+") + line.text);
  };
  while (!bytes.empty()) {
    splitter.feed(std::string(bytes.substr(0, step)));
    bytes.remove_prefix(std::min(step, bytes.size()));
    while (const auto line = splitter.next()) keep(*line);
  }
  if (const auto last = splitter.finish()) keep(*last);
  CHECK(end == size);
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto bytewise = lines(bytes, 1);
  const auto at_once = lines(bytes, bytes.size() + 1);
  CHECK(bytewise == at_once);
  return 0;
}
