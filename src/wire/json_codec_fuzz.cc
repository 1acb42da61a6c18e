// JSON of any kind into structures with every kind of member; what is read must be writable, and
// what was written must be readable and come out the same.

#include <cstddef>
#include <cstdint>

#include "api/dynamodb/types.h"
#include "api/kinesis/types.h"
#include "base/check.h"
#include "wire/json_codec.h"

namespace {

template <class T>
void check(std::string_view body, const api::Shape& shape, wire::JsonFlavour flavour) {
  const auto read = wire::decode_json<T>(body, shape, flavour);
  if (!read) return;
  const std::string written = wire::encode_json(shape, &*read);
  const auto again = wire::decode_json<T>(written, shape, flavour);
  CHECK(again);
  CHECK(wire::encode_json(shape, &*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check<api::kinesis::PutRecordsInput>(body, api::kinesis::kPutRecordsInputShape,
                                       wire::JsonFlavour::kKinesis);
  check<api::kinesis::GetShardIteratorInput>(body, api::kinesis::kGetShardIteratorInputShape,
                                             wire::JsonFlavour::kModern);
  check<api::dynamodb::UpdateItemInput>(body, api::dynamodb::kUpdateItemInputShape,
                                        wire::JsonFlavour::kDynamo);
  return 0;
}
