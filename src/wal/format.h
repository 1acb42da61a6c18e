#pragma once

// The journal's bytes: docs/formats/journal.md. Pure functions and values.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wal {

// Counts records of a journal from 1, without gaps, over all its segments and restarts.
using Sequence = std::uint64_t;

// A place in the journal: a byte of a segment's file.
struct Position {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  auto operator<=>(const Position&) const = default;
};

inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::size_t kRecordHeaderBytes = 32;
inline constexpr std::size_t kRecordAlignment = 8;  // every record starts at a multiple of it
inline constexpr std::size_t kRecordBytesMax = 64U << 20U;  // one record's payload

struct SegmentHeader {
  std::uint64_t segment = 0;
  Sequence first = 0;      // of the first record in it
  std::uint64_t salt = 0;  // drawn for each segment: no payload can contain a valid record header
};

std::string encode_segment_header(const SegmentHeader& header);  // kSegmentHeaderBytes
// nullopt: not a header of this version, or damaged.
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

struct RecordHeader {
  std::uint32_t payload_bytes = 0;
  std::uint32_t payload_crc = 0;  // crc32c
  Sequence sequence = 0;
  // Everything below this sequence was synced before the record was written: tells a group that was
  // torn by a crash from damage to what had been acknowledged.
  Sequence group_first = 0;
};

// What a segment's record checksums start from.
std::uint32_t record_seed(const SegmentHeader& header);
// Writes kRecordHeaderBytes to `out`.
void encode_record_header(const RecordHeader& header, std::uint32_t seed, char* out);
// nullopt: not the header of a record of that segment. `bytes` holds kRecordHeaderBytes.
std::optional<RecordHeader> decode_record_header(std::string_view bytes, std::uint32_t seed);

// Where the record behind one at `offset` starts.
inline std::uint64_t record_end(std::uint64_t offset, std::uint64_t payload_bytes) {
  const std::uint64_t end = offset + kRecordHeaderBytes + payload_bytes;
  return (end + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

std::string segment_name(std::uint64_t segment);  // "00000000000000000012.journal"
std::optional<std::uint64_t> parse_segment_name(std::string_view name);

}  // namespace wal
