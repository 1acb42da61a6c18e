#include "wal/format.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/check.h"
#include "base/digest.h"
#include "base/encoding.h"

namespace wal {

namespace {
constexpr std::string_view kMagic = "MILLJRNL";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSegmentHeaderUsed = 40;  // magic to salt; the checksum stands behind
constexpr std::string_view kSegmentSuffix = ".journal";
constexpr std::size_t kSegmentDigits = 20;
}  // namespace

std::string encode_segment_header(const SegmentHeader& header) {
  std::string bytes(kMagic);
  base::append_u32(bytes, kVersion);
  base::append_u32(bytes, 0);
  base::append_u64(bytes, header.segment);
  base::append_u64(bytes, header.first);
  base::append_u64(bytes, header.salt);
  CHECK(bytes.size() == kSegmentHeaderUsed);
  base::append_u32(bytes, base::crc32c(bytes));
  bytes.resize(kSegmentHeaderBytes, '\0');
  return bytes;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  if (base::read_u32(bytes.substr(8)) != kVersion) return std::nullopt;
  const std::uint32_t crc = base::read_u32(bytes.substr(kSegmentHeaderUsed));
  if (crc != base::crc32c(bytes.substr(0, kSegmentHeaderUsed))) return std::nullopt;
  return SegmentHeader{.segment = base::read_u64(bytes.substr(16)),
                       .first = base::read_u64(bytes.substr(24)),
                       .salt = base::read_u64(bytes.substr(32))};
}

std::uint32_t record_seed(const SegmentHeader& header) {
  std::string bytes;
  base::append_u64(bytes, header.segment);
  base::append_u64(bytes, header.salt);
  return base::crc32c(bytes);
}

void encode_record_header(const RecordHeader& header, std::uint32_t seed, char* out) {
  std::string bytes;
  bytes.reserve(kRecordHeaderBytes);
  base::append_u32(bytes, header.payload_crc);
  base::append_u32(bytes, header.payload_bytes);
  base::append_u32(bytes, 0);
  base::append_u64(bytes, header.sequence);
  base::append_u64(bytes, header.group_first);
  std::string crc;
  base::append_u32(crc, base::crc32c(bytes, seed));
  std::memcpy(out, crc.data(), crc.size());
  std::memcpy(out + crc.size(), bytes.data(), bytes.size());
}

std::optional<RecordHeader> decode_record_header(std::string_view bytes, std::uint32_t seed) {
  CHECK(bytes.size() >= kRecordHeaderBytes);
  bytes = bytes.substr(0, kRecordHeaderBytes);
  if (base::read_u32(bytes) != base::crc32c(bytes.substr(4), seed)) return std::nullopt;
  const RecordHeader header{.payload_bytes = base::read_u32(bytes.substr(8)),
                            .payload_crc = base::read_u32(bytes.substr(4)),
                            .sequence = base::read_u64(bytes.substr(16)),
                            .group_first = base::read_u64(bytes.substr(24))};
  if (base::read_u32(bytes.substr(12)) != 0 || header.payload_bytes > kRecordBytesMax ||
      header.group_first > header.sequence || header.sequence == 0)
    return std::nullopt;
  return header;
}

std::string segment_name(std::uint64_t segment) { return fmt::format("{:020}.journal", segment); }

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != kSegmentDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix))
    return std::nullopt;
  std::uint64_t segment = 0;
  const char* const end = name.data() + kSegmentDigits;
  const auto [at, failure] = std::from_chars(name.data(), end, segment);
  if (failure != std::errc() || at != end) return std::nullopt;
  return segment;
}

}  // namespace wal
