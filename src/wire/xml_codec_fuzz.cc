// Any XML into S3's structures; what is read must be writable and readable again.

#include <cstddef>
#include <cstdint>

#include "api/s3/types.h"
#include "base/check.h"
#include "wire/xml_codec.h"

namespace {

template <class T>
void check(std::string_view body, const api::Shape& shape) {
  T object;
  if (!wire::decode_xml(body, shape, &object)) return;
  const std::string written = wire::encode_xml(shape, &object, "Root", wire::kS3Namespace);
  T again;
  CHECK(wire::decode_xml(written, shape, &again, "Root"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check<api::s3::Delete>(body, api::s3::kDeleteShape);
  check<api::s3::AccessControlPolicy>(body, api::s3::kAccessControlPolicyShape);
  check<api::s3::CORSConfiguration>(body, api::s3::kCORSConfigurationShape);
  return 0;
}
