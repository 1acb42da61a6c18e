#include "services/dynamodb/packed_item_agreement.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  services::dynamodb::packs_as_it_is_read({reinterpret_cast<const char*>(data), size});
  return 0;
}
