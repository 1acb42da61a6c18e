// Change records and streams' descriptions as the store may hold them.
#include <cstddef>
#include <cstdint>

#include "changes/stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto record = changes::decode_record(1, bytes);
  if (record) static_cast<void>(record->bytes());
  static_cast<void>(changes::decode_stream(bytes));
  static_cast<void>(changes::parse_stream_arn(bytes));
  return 0;
}
