#pragma once

// Reads a log's entries from the journal's segments, where the index says they are, and checks each
// chunk's checksum. Thread-safe.

#include "store/database.h"
#include "store/segment_cache.h"

namespace store {

// A page that would read more than this does not give up but is not tried without the disk.
inline constexpr std::size_t kReadInlineBytesMax = 256U << 10U;

// Entries at or above `from` below the place `durable_end`. kCorruption when the first chunk needed
// is damaged; a page ends before a damaged one further on. With OnDisk::kGiveUp, nullopt instead of
// waiting for the disk or reading much.
Found<std::vector<LogEntry>> read_log_page(Database& database, SegmentCache& segments, LogId log,
                                           std::uint64_t from, const ReadLogOptions& options,
                                           wal::Position durable_end, OnDisk on_disk);

}  // namespace store
