#include "base/check.h"
#include "tables/item.h"
#include "tables/stored_item.h"

namespace {

struct Counter {
  std::size_t bytes = 0;
  void name(std::string_view text) { bytes += text.size(); }
  void scalar(tables::Type, std::string_view text) { bytes += text.size(); }
  void boolean(bool) {}
  void null() {}
  void begin(tables::Type) {}
  void end(tables::Type) {}
};

}  // namespace

// Damaged bytes never do more than fail, for whoever reads them; what decodes encodes to something
// that decodes the same.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto item = tables::decode_item(bytes);
  const auto sizes = tables::stored_sizes({.hash = {"a"}}, bytes);
  Counter counter;
  const bool visited = tables::visit_stored(bytes, counter);
  CHECK(item.has_value() == sizes.has_value() && item.has_value() == visited);
  CHECK(counter.bytes <= size);
  if (!item) return 0;
  const std::string written = tables::encode_item(*item);
  const auto again = tables::decode_item(written);
  CHECK(again && tables::encode_item(*again) == written);
  const auto measured = tables::stored_sizes({.hash = {"a"}}, written);
  CHECK(measured && measured->item == tables::item_size(*item));
  return 0;
}
