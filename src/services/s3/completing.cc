#include "services/s3/completing.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/s3/checksums.h"

namespace services::s3 {
namespace {

namespace s = api::s3;
using objects::Part;
using objects::Upload;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  return text;
}

api::Error invalid_request(std::string message) {
  return s3_error("InvalidRequest", 400, std::move(message));
}

api::Outcome<Part> choose_part(const Upload& upload, const std::vector<Part>& parts,
                               const s::CompletedPart& named) {
  const std::int32_t number = named.part_number.value_or(0);
  const std::string etag = unquoted(named.e_tag.value_or(""));
  const auto found = std::ranges::find_if(
      parts, [&](const Part& part) { return part.number == number && part.etag == etag; });
  if (found == parts.end())
    return std::unexpected(s3_error(
        "InvalidPart", 400,
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag.",
        {{"UploadId", upload.id}, {"PartNumber", std::to_string(number)}, {"ETag", etag}}));
  if (upload.checksum_algorithm.empty()) return *found;
  const auto& given = *checksum_member(named, upload.checksum_algorithm);
  if (!given && upload.composite)
    return std::unexpected(invalid_request(fmt::format(
        "The upload was created using a {} checksum. The complete request must include the "
        "checksum for each part. It was missing for part {} in the request.",
        lower(upload.checksum_algorithm), number)));
  if (given && *given != found->checksum.value)
    return std::unexpected(
        s3_error("BadDigest", 400,
                 fmt::format("The {} you specified for part {} did not match what we received.",
                             lower(upload.checksum_algorithm), number)));
  return *found;
}

api::Outcome<void> check_mode(const Upload& upload, const s::CompleteMultipartUploadRequest& in) {
  if (!in.checksum_type) return {};
  std::string_view mode = "null";
  if (!upload.checksum_algorithm.empty()) mode = upload.composite ? "COMPOSITE" : "FULL_OBJECT";
  if (*in.checksum_type == mode) return {};
  return std::unexpected(invalid_request(
      fmt::format("The upload was created using the {} checksum mode. The complete request must "
                  "use the same checksum mode.",
                  mode)));
}

api::Outcome<void> check_sizes(const std::vector<Part>& parts,
                               const s::CompleteMultipartUploadRequest& input) {
  std::uint64_t size = 0;
  for (const Part& part : parts) {
    size += part.blob.size;
    if (part.blob.size >= kPartBytesMin || &part == &parts.back()) continue;
    return std::unexpected(s3_error("EntityTooSmall", 400,
                                    "Your proposed upload is smaller than the minimum allowed size",
                                    {{"ProposedSize", std::to_string(part.blob.size)},
                                     {"MinSizeAllowed", std::to_string(kPartBytesMin)},
                                     {"PartNumber", std::to_string(part.number)},
                                     {"ETag", part.etag}}));
  }
  if (input.mpu_object_size && static_cast<std::uint64_t>(*input.mpu_object_size) != size)
    return std::unexpected(invalid_request(
        fmt::format("The provided 'x-amz-mp-object-size' header value {} does not match what was "
                    "computed: {}",
                    *input.mpu_object_size, size)));
  return {};
}

}  // namespace

api::Outcome<objects::Objects::Choice> choose_parts(
    const Upload& upload, const std::vector<Part>& parts,
    const s::CompleteMultipartUploadRequest& input) {
  if (!input.multipart_upload || !input.multipart_upload->parts ||
      input.multipart_upload->parts->empty())
    return std::unexpected(invalid_request("You must specify at least one part"));
  RETURN_IF_ERROR(check_mode(upload, input));
  objects::Objects::Choice choice;
  for (const s::CompletedPart& named : *input.multipart_upload->parts) {
    if (!choice.parts.empty() && named.part_number.value_or(0) <= choice.parts.back().number)
      return std::unexpected(
          s3_error("InvalidPartOrder", 400,
                   "The list of parts was not in ascending order. Parts must be ordered by part "
                   "number.",
                   {{"UploadId", upload.id}}));
    ASSIGN_OR_RETURN(Part part, choose_part(upload, parts, named));
    choice.parts.push_back(std::move(part));
  }
  RETURN_IF_ERROR(check_sizes(choice.parts, input));
  const std::string& algorithm = choice.parts.front().checksum.algorithm;
  choice.checksum = joint_checksum(algorithm, upload.composite, choice.parts);
  const auto* const given = checksum_member(input, algorithm);
  if (given != nullptr && *given && **given != choice.checksum.value)
    return std::unexpected(
        s3_error("BadDigest", 400,
                 fmt::format("The {} you specified did not match the calculated checksum.",
                             lower(algorithm))));
  return choice;
}

}  // namespace services::s3
