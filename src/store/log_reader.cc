#include "store/log_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/digest.h"
#include "store/batch_codec.h"

namespace store {

namespace {

// Chunks that lie near each other are read together.
constexpr std::uint64_t kGapBytesMax = 4U << 10U;
constexpr std::uint64_t kWindowBytesMax = 1U << 20U;

// The chunks from the front on that one read takes.
std::size_t count_together(std::span<const Chunk> chunks) {
  const wal::Position begin = chunks.front().place;
  std::uint64_t end = begin.offset + chunks.front().bytes;
  std::size_t count = 1;
  for (; count < chunks.size(); ++count) {
    const Chunk& next = chunks[count];
    if (next.place.segment != begin.segment || next.place.offset < end ||
        next.place.offset > end + kGapBytesMax ||
        next.place.offset + next.bytes > begin.offset + kWindowBytesMax)
      break;
    end = next.place.offset + next.bytes;
  }
  return count;
}

Found<std::string> read_window(SegmentCache& segments, std::uint64_t segment, std::uint64_t begin,
                               std::uint64_t end, OnDisk on_disk) {
  std::string bytes;  // not zeroed: it is read into and cut to what came
  bytes.resize_and_overwrite(end - begin, [](char*, std::size_t size) { return size; });
  if (on_disk == OnDisk::kGiveUp) {
    const auto file = segments.find(segment);
    if (!file) return std::nullopt;
    ASSIGN_OR_RETURN(const auto got, file->read_cached_at(bytes, begin));
    if (!got) return std::nullopt;
    bytes.resize(*got);
  } else {
    ASSIGN_OR_RETURN(const auto file, segments.open(segment));
    ASSIGN_OR_RETURN(const std::size_t got, file->read_at(bytes, begin));
    bytes.resize(got);
  }
  return bytes;
}

base::Result<std::vector<std::string_view>> checked_entries(LogId log, const Chunk& chunk,
                                                            std::string_view bytes) {
  if (bytes.size() == chunk.bytes && base::crc32c(bytes) == chunk.crc) {
    auto entries = split_chunk(bytes, chunk.count);
    if (entries) return entries;
  }
  return base::error(
      base::ErrorCode::kCorruption,
      fmt::format("log {}, positions {} to {}: {} bytes at byte {} of journal segment {} do not "
                  "match their checksum",
                  log.value(), chunk.first, chunk.first + chunk.count - 1, chunk.bytes,
                  chunk.place.offset, chunk.place.segment));
}

class Page {
 public:
  Page(std::uint64_t from, const ReadLogOptions& options, std::uint64_t expected)
      : from_(from), options_(options) {
    entries_.reserve(std::min<std::uint64_t>(expected, options.limit));
  }

  // False: full.
  bool add(const Chunk& chunk, const std::vector<std::string_view>& entries) {
    std::uint64_t position = chunk.first;
    for (const std::string_view entry : entries) {
      const std::uint64_t at = position++;
      if (at < from_) continue;
      bytes_ += entry.size();
      if (entries_.size() == options_.limit || (!entries_.empty() && bytes_ > options_.bytes_max))
        return false;
      entries_.push_back({at, std::string(entry)});
    }
    return true;
  }
  bool empty() const { return entries_.empty(); }
  std::vector<LogEntry> take() { return std::move(entries_); }

 private:
  const std::uint64_t from_;
  const ReadLogOptions& options_;
  std::size_t bytes_ = 0;
  std::vector<LogEntry> entries_;
};

std::uint64_t bytes_of(const std::vector<Chunk>& chunks) {
  std::uint64_t bytes = 0;
  for (const Chunk& chunk : chunks) bytes += chunk.bytes;
  return bytes;
}

std::uint64_t entries_of(const std::vector<Chunk>& chunks) {
  std::uint64_t count = 0;
  for (const Chunk& chunk : chunks) count += chunk.count;
  return count;
}

}  // namespace

Found<std::vector<LogEntry>> read_log_page(Database& database, SegmentCache& segments, LogId log,
                                           std::uint64_t from, const ReadLogOptions& options,
                                           wal::Position durable_end, OnDisk on_disk) {
  if (options.limit == 0) return std::vector<LogEntry>();
  const auto found = database.chunks(log, from, options, durable_end, on_disk);
  if (!found) return std::nullopt;
  if (!*found) return std::unexpected(found->error());
  const ChunkList& list = **found;
  if (on_disk == OnDisk::kGiveUp && bytes_of(list.chunks) > kReadInlineBytesMax)
    return std::nullopt;

  Page page(std::max(from, list.trimmed), options, entries_of(list.chunks));
  std::span<const Chunk> left(list.chunks);
  while (!left.empty()) {
    const auto together = left.first(count_together(left));
    left = left.subspan(together.size());
    const std::uint64_t begin = together.front().place.offset;
    const std::uint64_t end = together.back().place.offset + together.back().bytes;
    const auto window = read_window(segments, together.front().place.segment, begin, end, on_disk);
    if (!window) return std::nullopt;
    if (!*window && page.empty()) return std::unexpected(window->error());
    if (!*window) return page.take();
    for (const Chunk& chunk : together) {
      const std::size_t start =
          std::min<std::size_t>(chunk.place.offset - begin, (*window)->size());
      const auto entries =
          checked_entries(log, chunk, std::string_view(**window).substr(start, chunk.bytes));
      if (!entries && page.empty()) return std::unexpected(entries.error());
      if (!entries || !page.add(chunk, *entries)) return page.take();
    }
  }
  return page.take();
}

}  // namespace store
