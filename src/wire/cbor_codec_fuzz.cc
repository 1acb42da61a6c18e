// Any CBOR into structures; what is read must come out the same when written and read again.

#include <cstddef>
#include <cstdint>

#include "api/dynamodb/types.h"
#include "api/kinesis/types.h"
#include "base/check.h"
#include "wire/cbor_codec.h"

namespace {

template <class T>
void check(std::string_view body, const api::Shape& shape, wire::CborFlavour flavour) {
  T object;
  if (!wire::decode_cbor(body, shape, &object, flavour)) return;
  const std::string written = wire::encode_cbor(shape, &object, flavour);
  T again;
  CHECK(wire::decode_cbor(written, shape, &again, flavour));
  CHECK(wire::encode_cbor(shape, &again, flavour) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check<api::kinesis::PutRecordsInput>(body, api::kinesis::kPutRecordsInputShape,
                                       wire::CborFlavour::kAwsCbor11);
  check<api::dynamodb::UpdateItemInput>(body, api::dynamodb::kUpdateItemInputShape,
                                        wire::CborFlavour::kRpcV2);
  return 0;
}
