#include "wal/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/digest.h"

namespace wal {

namespace {
constexpr std::size_t kWindowBytes = 1U << 20U;
}

base::Result<SegmentReader> SegmentReader::open(io::File& file, std::uint64_t segment) {
  ASSIGN_OR_RETURN(const std::uint64_t size, file.size());
  std::string bytes(kSegmentHeaderBytes, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, file.read_at(bytes, 0));
  bytes.resize(got);
  const auto header = decode_segment_header(bytes);
  if (!header || header->segment != segment)
    return base::error(base::ErrorCode::kCorruption,
                       fmt::format("journal segment {} has no valid header", segment));
  return SegmentReader(file, *header, size);
}

base::Result<std::string_view> SegmentReader::view(std::uint64_t offset, std::size_t count) {
  const std::uint64_t left = offset < file_bytes_ ? file_bytes_ - offset : 0;
  count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left));
  if (offset < window_start_ || offset + count > window_start_ + window_.size()) {
    window_.resize(std::min<std::uint64_t>(std::max(count, kWindowBytes), left));
    window_start_ = offset;
    ASSIGN_OR_RETURN(const std::size_t got, file_->read_at(window_, offset));
    window_.resize(got);
    count = std::min(count, got);
  }
  return std::string_view(window_).substr(offset - window_start_, count);
}

base::Result<std::optional<SegmentReader::Record>> SegmentReader::next(Sequence expected) {
  ASSIGN_OR_RETURN(const std::string_view bytes, view(offset_, kRecordHeaderBytes));
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const auto header = decode_record_header(bytes, seed_);
  if (!header || header->sequence != expected) return std::nullopt;
  ASSIGN_OR_RETURN(const std::string_view whole,
                   view(offset_, kRecordHeaderBytes + header->payload_bytes));
  if (whole.size() < kRecordHeaderBytes + header->payload_bytes) return std::nullopt;
  const std::string_view payload = whole.substr(kRecordHeaderBytes);
  if (base::crc32c(payload) != header->payload_crc) return std::nullopt;
  const Record record{.header = *header, .offset = offset_, .payload = payload};
  offset_ = record_end(offset_, header->payload_bytes);
  return record;
}

base::Result<SegmentReader::Tail> SegmentReader::scan_tail(Sequence sequence) {
  Tail tail{.proves_durable = false, .used_end = offset_};
  std::uint64_t at = offset_;
  for (;;) {
    ASSIGN_OR_RETURN(const std::string_view bytes, view(at, kWindowBytes));
    std::size_t inside = 0;
    for (; inside + kRecordAlignment <= bytes.size(); inside += kRecordAlignment) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + inside, sizeof word);
      if (word == 0) continue;
      tail.used_end = at + inside + kRecordAlignment;
      if (inside + kRecordHeaderBytes > bytes.size()) continue;
      const auto header = decode_record_header(bytes.substr(inside), seed_);
      if (header && header->group_first > sequence) tail.proves_durable = true;
    }
    if (bytes.size() < kWindowBytes) {
      if (inside < bytes.size()) tail.used_end = at + bytes.size();
      return tail;
    }
    // The last headers of this window may reach into the next.
    at += kWindowBytes - kRecordHeaderBytes;
  }
}

}  // namespace wal
