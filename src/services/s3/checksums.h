#pragma once

// Checksums of objects and parts: which one a request asks for, its value, and the answers'
// members. Pure, thread-safe.

#include <array>
#include <span>

#include "services/s3/common.h"

namespace services::s3 {

inline constexpr std::array<std::string_view, 5> kChecksumAlgorithms = {
    "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"};

// The member of a structure for an algorithm; nullptr: another name.
template <class T>
auto* checksum_member(T& object, std::string_view algorithm) {
  using Member = decltype(&object.checksum_crc32);
  if (algorithm == "CRC32") return &object.checksum_crc32;
  if (algorithm == "CRC32C") return &object.checksum_crc32_c;
  if (algorithm == "CRC64NVME") return &object.checksum_crc64_nvme;
  if (algorithm == "SHA1") return &object.checksum_sha1;
  if (algorithm == "SHA256") return &object.checksum_sha256;
  return static_cast<Member>(nullptr);
}

template <class Output>
void show_checksum(Output& output, const objects::Checksum& checksum) {
  auto* const member = checksum_member(output, checksum.algorithm);
  if (member == nullptr) return;
  *member = checksum.value;
  if constexpr (requires { output.checksum_type; })
    output.checksum_type = checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
}

// The algorithm in AWS's spelling; nullopt: none of S3's.
std::optional<std::string> algorithm_named(std::string_view name);
// What x-amz-trailer announces.
std::optional<std::string> algorithm_of_trailer(const Context& context);

// Which algorithm the body's checksum is to be kept in: by value, by name, by trailer.
template <class Input>
std::optional<std::string> algorithm_of(const Context& context, const Input& input) {
  for (const std::string_view algorithm : kChecksumAlgorithms)
    if (*checksum_member(input, algorithm)) return std::string(algorithm);
  if (input.checksum_algorithm)
    if (auto named = algorithm_named(*input.checksum_algorithm)) return named;
  return algorithm_of_trailer(context);
}

// Of one body. The dispatcher has compared it with what the request says.
objects::Checksum checksum_of(const std::string& algorithm, std::string_view body);

// The checksum of a whole object from its parts': of their bytes (CRCs), or of their checksums.
// Every part has one of `algorithm`.
objects::Checksum joint_checksum(const std::string& algorithm, bool composite,
                                 std::span<const objects::Part> parts);

}  // namespace services::s3
