#pragma once

// EmbeddedStore: the Store on this machine's disk. One journal holds every batch, the payloads of
// logs included, each written once; RocksDB, without a log of its own, holds the keys and an index
// of where in the journal the logs' entries stand. docs/decisions/0003-one-journal.md says why,
// docs/formats/store.md what the files look like.
//
//   data folder/  LOCK  CHECKPOINT  journal/<segment>.journal  keys/<RocksDB's files>
//
// Owned by the server; all functions are thread-safe except close() and the destructor, before
// which every task must have ended.
//
// submit() encodes on the caller's thread and then, under one lock, hands the batch to the
// journal's queue and applies it to RocksDB's memory. It does not wait for the disk unless RocksDB
// falls far behind. It answers kUnavailable when `queue_bytes_max` is queued, kLimit for a batch
// over wal::kRecordBytesMax, and kIo or kNoSpace for ever once the journal has stopped.
//
// Reads are tried at once, on the calling core, with what is in memory or the system's page cache
// (a page of a log up to kReadInlineBytesMax); only what would wait for the disk goes to the
// BlockingPool. read_log() answers durable entries only and does not wait for others. Damaged bytes
// answer kCorruption for just the chunk they are in. Of the pages that go to the pool 8 at a time
// are on their way, until their readers have used them (read_turns.h); the others wait.
//
// What survives a crash: every batch up to durable_sequence(), whole, and perhaps later ones, in
// order and without gaps. RocksDB's files never hold what the journal might lose. A checkpoint is
// taken when `checkpoint_bytes` of journal have been written since the last; opening replays from
// there, so its cost does not grow with what is retained. Sealed segments below the checkpoint are
// deleted once no log has entries in them; a log that is kept long keeps the segments it shares
// with others.
//
// Background: the journal's writer, RocksDB's two, and one thread here for checkpoints and deleting
// segments.

#include <memory>
#include <string>

#include "async/blocking.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/files.h"
#include "store/peeking.h"
#include "store/store.h"
#include "wal/journal.h"

namespace store {

struct EmbeddedOptions {
  std::string folder;  // made with mode 0700 if it is not there; its parent must be
  std::uint64_t segment_bytes = 64U << 20U;     // of the journal; below 4 GiB
  std::uint64_t queue_bytes_max = 64U << 20U;   // submitted and not yet written
  std::uint64_t checkpoint_bytes = 64U << 20U;  // of journal, replayed at most twice over
  std::size_t block_cache_bytes = 32U << 20U;   // RocksDB's blocks in memory
  std::size_t write_buffer_bytes = 16U << 20U;  // RocksDB's memtables before they are flushed
  std::size_t open_segments_max = 64;           // of the journal, kept open for reading
  bool background = true;  // false: checkpoint() and collect_garbage() run only when called
};

struct EmbeddedMetrics {
  wal::JournalMetrics journal;
  std::uint64_t batches = 0;           // submitted since open()
  std::uint64_t checkpoints = 0;       // taken since open()
  std::uint64_t segments_removed = 0;  // since open()
  std::uint64_t replayed_batches = 0;  // by open()
  std::uint64_t recovery_ms = 0;       // of open(), all of it
  std::uint64_t reads_inline = 0;      // answered on the calling core
  std::uint64_t reads_pooled = 0;      // that went to the BlockingPool
};

class EmbeddedStore final : public Store, public Peeking {
 public:
  // kConflict: another process has the folder. kCorruption: see the message; nothing was changed.
  // All references outlive the store.
  static base::Result<std::unique_ptr<EmbeddedStore>> open(EmbeddedOptions options,
                                                           io::Files& files,
                                                           async::BlockingPool& pool,
                                                           base::Random& random,
                                                           const base::Clock& clock);
  // Without close() it ends as a crash would, but for what was submitted, which is written.
  ~EmbeddedStore() override;
  // Makes everything durable and takes a checkpoint, so that the next open() has nothing to replay.
  // Blocks; idempotent. No other function may be called afterwards.
  base::Status close();

  async::Task<base::Result<std::optional<std::string>>> get(std::string key) override;
  std::optional<base::Result<std::optional<std::string>>> peek(std::string_view key) override;
  async::Task<base::Result<std::vector<KeyValue>>> scan(std::string from, std::string to,
                                                        ScanOptions options) override;
  async::Task<base::Result<std::vector<LogEntry>>> read_log(LogId log, std::uint64_t from,
                                                            ReadLogOptions options) override;
  async::Task<base::Result<LogBounds>> log_bounds(LogId log) override;
  base::Result<Sequence> submit(Batch batch) override;
  async::Task<base::Status> durable(Sequence sequence) override;
  Sequence applied() const override;
  Sequence durable_sequence() const override;

  // Both block; called by the background thread, and by tests.
  base::Status checkpoint();
  // Deletes the sealed segments that nobody needs; answers how many.
  base::Result<std::size_t> collect_garbage();

  EmbeddedMetrics metrics() const;

 private:
  struct Impl;
  explicit EmbeddedStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace store
