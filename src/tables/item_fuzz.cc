#include "base/check.h"
#include "tables/item.h"

// Damaged bytes never do more than fail; what decodes encodes to something that decodes the same.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto item = tables::decode_item({reinterpret_cast<const char*>(data), size});
  if (!item) return 0;
  const auto again = tables::decode_item(tables::encode_item(*item));
  CHECK(again && tables::encode_item(*again) == tables::encode_item(*item));
  return 0;
}
