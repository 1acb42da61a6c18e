#include <fmt/format.h>

#include <algorithm>

#include "wal/journal_impl.h"
#include "wal/segment_reader.h"

namespace wal {

namespace {

std::unexpected<base::Error> corrupt(std::string message) {
  return base::error(base::ErrorCode::kCorruption, std::move(message));
}

}  // namespace

base::Status Journal::Impl::recover(ReplayStart start, const Visitor& visit) {
  CHECK(start.next > 0);
  RETURN_IF_ERROR(files.make_folder(options.folder));
  RETURN_IF_ERROR(spares.open());
  ASSIGN_OR_RETURN(const std::vector<std::uint64_t> ids, find_segments(start));
  RETURN_IF_ERROR(files.sync_folder(options.folder));
  last = start.next - 1;
  if (ids.empty()) {
    if (start.next > 1) return corrupt("the journal is missing: " + options.folder);
    RETURN_IF_ERROR(create_segment(start.position.segment + 1, start.next, 0));
  } else {
    segments.insert(ids.begin(), ids.end());
    RETURN_IF_ERROR(check_chain(ids, start));
    const std::uint64_t from = start.position.segment == 0 ? ids.front() : start.position.segment;
    for (const std::uint64_t id : ids)
      if (id >= from) RETURN_IF_ERROR(replay_segment(id, start, visit));
  }
  durable = last;
  tail = durable_end = {header.segment, written_end};
  return {};
}

// The segments in use, ascending. Removes a newest one that was being made when a crash came.
base::Result<std::vector<std::uint64_t>> Journal::Impl::find_segments(ReplayStart start) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files.list(options.folder));
  std::vector<std::uint64_t> ids;
  for (const std::string& name : names)
    if (const auto id = parse_segment_name(name)) ids.push_back(*id);
  std::ranges::sort(ids);
  const bool needed = !ids.empty() && ids.back() <= start.position.segment;
  if (ids.empty() || needed) return ids;
  ASSIGN_OR_RETURN(const bool unused, is_unused(ids.back()));
  if (unused) {
    RETURN_IF_ERROR(files.remove(path_of(ids.back())));
    ids.pop_back();
  }
  return ids;
}

// A header is synced before the first record is written behind it. So a segment without a valid
// one and with nothing but zeros behind it was never used; one with more is damaged, which opening
// it reports.
base::Result<bool> Journal::Impl::is_unused(std::uint64_t segment) {
  ASSIGN_OR_RETURN(const auto candidate, files.open(path_of(segment), io::OpenMode::kRead));
  if (SegmentReader::open(*candidate, segment)) return false;
  std::string window(1U << 20U, '\0');
  for (std::uint64_t at = kSegmentHeaderBytes;; at += window.size()) {
    ASSIGN_OR_RETURN(const std::size_t got, candidate->read_at(window, at));
    if (std::string_view(window).substr(0, got).find_first_not_of('\0') != std::string::npos)
      return false;
    if (got < window.size()) return true;
  }
}

base::Status Journal::Impl::check_chain(const std::vector<std::uint64_t>& ids, ReplayStart start) {
  const std::uint64_t from = start.position.segment == 0 ? ids.front() : start.position.segment;
  const auto first = std::ranges::find(ids, from);
  if (first == ids.end()) return corrupt(fmt::format("journal segment {} is missing", from));
  for (auto at = first; at + 1 != ids.end(); ++at)
    if (*at + 1 != *(at + 1)) return corrupt(fmt::format("journal segment {} is missing", *at + 1));
  return {};
}

base::Status Journal::Impl::replay_segment(std::uint64_t id, ReplayStart start,
                                           const Visitor& visit) {
  const bool newest = id == *segments.rbegin();
  ASSIGN_OR_RETURN(auto opened, files.open(path_of(id), newest ? io::OpenMode::kReadWrite
                                                               : io::OpenMode::kRead));
  // What a killed process had written may be read from the system's cache alone; what is replayed
  // counts as durable, so make it so.
  if (newest) RETURN_IF_ERROR(opened->sync_data());
  ASSIGN_OR_RETURN(SegmentReader reader, SegmentReader::open(*opened, id));
  if (id == start.position.segment) {
    if (start.position.offset > reader.file_bytes() || reader.header().first > start.next)
      return corrupt(
          fmt::format("journal segment {} ends before byte {}, up to which it was synced", id,
                      start.position.offset));
    reader.seek(start.position.offset);
  } else if (reader.header().first != last + 1) {
    return corrupt(fmt::format("journal segment {} begins with record {} instead of {}", id,
                               reader.header().first, last + 1));
  }
  for (;;) {
    ASSIGN_OR_RETURN(const auto record, reader.next(last + 1));
    if (!record) break;
    ++last;
    ++metrics.replayed;
    RETURN_IF_ERROR(visit(last, {id, record->offset + kRecordHeaderBytes}, record->payload));
  }
  const auto damaged = [&] {
    return corrupt(
        fmt::format("journal segment {}: record {} at byte {} is damaged, though it was "
                    "synced",
                    id, last + 1, reader.offset()));
  };
  if (!newest) {
    if (reader.offset() != reader.file_bytes()) return damaged();
    return {};
  }
  ASSIGN_OR_RETURN(const SegmentReader::Tail rest, reader.scan_tail(last + 1));
  if (rest.proves_durable) return damaged();
  return adopt_newest(std::move(opened), reader.header(), reader.offset(), rest.used_end);
}

// Goes on writing in the newest segment. A torn tail must be off the disk before anything is
// written over it: its leftovers could pass for records of the new life.
base::Status Journal::Impl::adopt_newest(std::unique_ptr<io::File> newest,
                                         const SegmentHeader& found, std::uint64_t end,
                                         std::uint64_t used_end) {
  file = std::move(newest);
  header = found;
  seed = record_seed(found);
  written_end = end;
  if (used_end > end) {
    metrics.cut_bytes = used_end - end;
    RETURN_IF_ERROR(file->truncate(end));
    RETURN_IF_ERROR(file->sync_data());
  }
  file_bytes = std::max(options.segment_bytes, end);
  ASSIGN_OR_RETURN(const std::uint64_t had_bytes, file->size());
  if (had_bytes < file_bytes) reserved = found.segment;
  RETURN_IF_ERROR(file->preallocate(file_bytes));
  return file->sync_data();
}

}  // namespace wal
