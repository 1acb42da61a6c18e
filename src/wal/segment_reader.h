#pragma once

// SegmentReader: goes through one segment's records in order, through a window of its file. Owned
// by one recovery; not thread-safe. Memory: the window, or the largest record.

#include <memory>
#include <optional>
#include <string>

#include "io/files.h"
#include "wal/format.h"

namespace wal {

class SegmentReader {
 public:
  struct Record {
    RecordHeader header;
    std::uint64_t offset = 0;  // of the record
    std::string_view payload;  // valid until the next call
  };

  // kCorruption if the file has no header of the segment `segment`. `file` outlives the reader.
  static base::Result<SegmentReader> open(io::File& file, std::uint64_t segment);

  const SegmentHeader& header() const { return header_; }
  std::uint64_t file_bytes() const { return file_bytes_; }
  // Where the next record is expected.
  std::uint64_t offset() const { return offset_; }
  void seek(std::uint64_t offset) { offset_ = offset; }

  // The record at offset(), if a whole and valid one with this sequence is there; then offset()
  // moves behind it. nullopt: the end, or damage.
  base::Result<std::optional<Record>> next(Sequence expected);

  struct Tail {
    bool proves_durable = false;  // a record behind offset() says that `sequence` had been synced
    std::uint64_t used_end = 0;   // only zeros from here to the file's end; offset() at least
  };
  // Looks at everything from offset() to the file's end.
  base::Result<Tail> scan_tail(Sequence sequence);

 private:
  SegmentReader(io::File& file, SegmentHeader header, std::uint64_t file_bytes)
      : file_(&file),
        header_(header),
        seed_(record_seed(header)),
        file_bytes_(file_bytes),
        offset_(kSegmentHeaderBytes) {}
  // The file's bytes from `offset`; fewer than `count` only at its end.
  base::Result<std::string_view> view(std::uint64_t offset, std::size_t count);

  io::File* file_;
  SegmentHeader header_;
  std::uint32_t seed_;
  std::uint64_t file_bytes_;
  std::uint64_t offset_;
  std::string window_;
  std::uint64_t window_start_ = 0;
};

}  // namespace wal
