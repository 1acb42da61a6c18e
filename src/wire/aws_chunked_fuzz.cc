// Any body as aws-chunked: the decoded bytes are never more than came.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/aws_chunked.h"
#include "wire/event_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto decoded = wire::decode_aws_chunked(body, {});
  if (decoded) {
    CHECK(decoded->data.size() < size);
    static_cast<void>(wire::verify_checksums({}, decoded->data, decoded->trailers));
  }
  const auto event = wire::decode_event_message(body);
  if (event && *event) CHECK((*event)->bytes <= size);
  return 0;
}
