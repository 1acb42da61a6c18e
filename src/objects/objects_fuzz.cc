#include "base/check.h"
#include "objects/codec.h"

// What decodes encodes to something that decodes to the same bytes again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto bucket = objects::decode_bucket(bytes)) {
    const std::string once = objects::encode_bucket(*bucket);
    CHECK(objects::encode_bucket(*objects::decode_bucket(once)) == once);
  }
  if (const auto object = objects::decode_object(bytes, "k")) {
    const std::string once = objects::encode_object(*object);
    CHECK(objects::encode_object(*objects::decode_object(once, "k")) == once);
  }
  if (const auto upload = objects::decode_upload(bytes)) {
    const std::string once = objects::encode_upload(*upload);
    CHECK(objects::encode_upload(*objects::decode_upload(once)) == once);
  }
  if (const auto part = objects::decode_part(bytes)) {
    const std::string once = objects::encode_part(*part);
    CHECK(objects::encode_part(*objects::decode_part(once)) == once);
  }
  return 0;
}
