#pragma once

// Database: what the journal says, in the form in which it is looked up. Keys with their values,
// and an index of the logs' chunks in the journal's segments. RocksDB lives behind this header
// (with memtable.h) and nowhere else; its own log is off, so what it has not flushed is lost with
// the process and comes back from the journal.
//
// Owned by the EmbeddedStore. apply() is called by one thread at a time; everything else is
// thread-safe.

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "store/store.h"
#include "wal/format.h"

namespace store {

struct DatabaseOptions {
  std::string folder;
  std::size_t block_cache_bytes = 32U << 20U;
  std::size_t write_buffer_bytes = 16U << 20U;
  bool create = true;  // else kCorruption if the database is not there
};

// Where a chunk of a log's entries stands.
struct Chunk {
  std::uint64_t first = 0;  // position
  std::uint32_t count = 0;
  wal::Position place;
  std::uint32_t bytes = 0;
  std::uint32_t crc = 0;
};

struct ChunkList {
  std::uint64_t trimmed = 0;  // entries below this are forgotten
  std::vector<Chunk> chunks;
};

// What a read may do when the answer is neither in memory nor in the system's page cache.
enum class OnDisk { kRead, kGiveUp };
// nullopt: gave up.
template <class T>
using Found = std::optional<base::Result<T>>;

// A batch ready to be applied, but for where it stands in the journal.
class PreparedBatch {
 public:
  PreparedBatch(PreparedBatch&& other) noexcept;
  PreparedBatch& operator=(PreparedBatch&& other) noexcept;
  ~PreparedBatch();

 private:
  friend class Database;
  struct Impl;
  explicit PreparedBatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Database {
 public:
  // Called before anything is flushed to disk, from RocksDB's own threads; may block. False: the
  // flush, and every later one, must fail.
  using FlushGate = std::function<bool()>;

  static base::Result<std::unique_ptr<Database>> open(const DatabaseOptions& options,
                                                      FlushGate gate);
  // Drops what is not flushed.
  ~Database();

  // Reads a batch as the journal holds it. kCorruption: it is malformed. Touches nothing.
  base::Result<PreparedBatch> prepare(std::string_view encoded) const;
  // `place` is where the journal holds the batch. Applying a run of batches again from any point
  // on, in order, ends in the same state.
  base::Status apply(PreparedBatch batch, wal::Position place);
  // Everything applied so far is in synced files once this has answered.
  base::Status flush();

  Found<std::optional<std::string>> get(std::string_view key, OnDisk on_disk);
  Found<std::vector<KeyValue>> scan(std::string_view from, std::string_view to,
                                    const ScanOptions& options, OnDisk on_disk);
  // Chunks with entries at or above `from` and not trimmed, ascending, as many as `options` can
  // use, all below `end`.
  Found<ChunkList> chunks(LogId log, std::uint64_t from, const ReadLogOptions& options,
                          wal::Position end, OnDisk on_disk);

  // Of what lies below `end`.
  Found<LogBounds> log_bounds(LogId log, wal::Position end, OnDisk on_disk);

  // Whether some log still has chunks in a segment.
  base::Result<bool> is_used(std::uint64_t segment);
  // Nothing will be asked about the segments below `segment` any more.
  base::Status forget_segments_below(std::uint64_t segment);

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace store
