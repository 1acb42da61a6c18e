#include "services/s3/checksums.h"

#include <algorithm>

#include "base/encoding.h"
#include "wire/aws_chunked.h"
#include "wire/http_types.h"

namespace services::s3 {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  return out;
}

// A CRC of `width` bits whose polynomial is given in reflected form.
struct Crc {
  unsigned width;
  std::uint64_t polynomial;
};

// a * b modulo the polynomial; bit `width - 1` is x^0, as in reflected CRCs.
std::uint64_t multiply(const Crc& crc, std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  for (unsigned i = crc.width; i-- > 0;) {
    if ((a >> i) & 1U) product ^= b;
    b = (b & 1U) != 0 ? (b >> 1U) ^ crc.polynomial : b >> 1U;
  }
  return product;
}

// x^(8 * bytes) modulo the polynomial.
std::uint64_t power(const Crc& crc, std::uint64_t bytes) {
  std::uint64_t result = std::uint64_t{1} << (crc.width - 1);  // x^0
  std::uint64_t square = result >> 8U;                         // x^8
  for (; bytes > 0; bytes >>= 1U) {
    if ((bytes & 1U) != 0) result = multiply(crc, result, square);
    square = multiply(crc, square, square);
  }
  return result;
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

std::string joint_crc(const Crc& crc, std::span<const objects::Part> parts) {
  std::uint64_t joint = 0;
  for (const objects::Part& part : parts) {
    const std::uint64_t next = read_big_endian(base::from_base64(part.checksum.value).value_or(""));
    joint = multiply(crc, power(crc, part.blob.size), joint) ^ next;
  }
  std::string bytes;
  if (crc.width == 64) base::append_u64(bytes, joint);
  else base::append_u32(bytes, static_cast<std::uint32_t>(joint));
  return base::base64(bytes);
}

}  // namespace

std::optional<std::string> algorithm_named(std::string_view name) {
  std::string wanted = upper(name);
  if (std::ranges::find(kChecksumAlgorithms, wanted) == kChecksumAlgorithms.end())
    return std::nullopt;
  return wanted;
}

std::optional<std::string> algorithm_of_trailer(const Context& context) {
  constexpr std::string_view kPrefix = "x-amz-checksum-";
  const std::string* const trailer =
      context.http == nullptr ? nullptr : context.http->find("x-amz-trailer");
  if (trailer == nullptr || !trailer->starts_with(kPrefix)) return std::nullopt;
  return algorithm_named(std::string_view(*trailer).substr(kPrefix.size()));
}

objects::Checksum checksum_of(const std::string& algorithm, std::string_view body) {
  auto value = wire::checksum(algorithm, body);
  if (!value) return {};
  return {.algorithm = algorithm, .value = *std::move(value)};
}

objects::Checksum joint_checksum(const std::string& algorithm, bool composite,
                                 std::span<const objects::Part> parts) {
  objects::Checksum joint{.algorithm = algorithm, .value = {}, .composite = composite};
  if (composite) {
    std::string values;
    for (const objects::Part& part : parts)
      values += base::from_base64(part.checksum.value).value_or("");
    joint.value =
        wire::checksum(algorithm, values).value_or("") + "-" + std::to_string(parts.size());
    return joint;
  }
  if (algorithm == "CRC32") joint.value = joint_crc({32, 0xedb88320}, parts);
  if (algorithm == "CRC32C") joint.value = joint_crc({32, 0x82f63b78}, parts);
  if (algorithm == "CRC64NVME") joint.value = joint_crc({64, 0x9a6c9329ac4bc9b5}, parts);
  return joint;
}

}  // namespace services::s3
