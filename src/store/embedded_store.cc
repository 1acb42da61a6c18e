#include "store/embedded_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "store/batch_codec.h"
#include "store/checkpoint.h"
#include "store/database.h"
#include "store/log_reader.h"
#include "store/read_turns.h"
#include "store/segment_cache.h"

namespace store {

namespace {

constexpr std::size_t kPagesAtATime = 8;  // of logs, read from the disk and not yet used
// Written since a checkpoint before a file for the next segment is made: long before this one is
// full, and not for a server that hardly ever writes.
constexpr std::uint64_t kBeforeSpare = 1U << 20U;
constexpr std::uint64_t kSegmentBytesEnd = std::uint64_t{4} << 30U;  // offsets have 32 bits

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool frees_logs(const Batch& batch) {
  using Kind = Batch::Operation::Kind;
  return std::ranges::any_of(batch.operations(), [](const Batch::Operation& operation) {
    return operation.kind == Kind::kTrim || operation.kind == Kind::kDrop;
  });
}

}  // namespace

struct EmbeddedStore::Impl {
  Impl(EmbeddedOptions options_, io::Files& files_, async::BlockingPool& pool_,
       const base::Clock& clock_)
      : options(std::move(options_)), files(files_), pool(pool_), clock(clock_) {}

  base::Status open(base::Random& random);
  base::Status open_folder();
  base::Status close();
  base::Result<Sequence> submit(const Batch& batch);
  base::Status checkpoint();
  base::Result<std::size_t> collect_garbage();
  base::Result<std::size_t> remove_unused(const std::vector<std::uint64_t>& candidates);
  void maintain();
  void stop_maintenance();

  template <class T, class F>
  async::Task<base::Result<T>> read(F look);

  const EmbeddedOptions options;
  io::Files& files;
  async::BlockingPool& pool;
  const base::Clock& clock;

  std::unique_ptr<io::FileLock> lock;
  // Set once the journal is open: what is replayed is durable already.
  std::atomic<wal::Journal*> gate = nullptr;
  // RocksDB's flushes wait for the journal, so the journal dies after the database.
  std::unique_ptr<wal::Journal> journal;
  std::unique_ptr<Database> database;
  std::unique_ptr<SegmentCache> segments;
  ReadTurns page_turns{kPagesAtATime};

  std::mutex order;  // the journal's order is the order in which batches are applied
  std::optional<base::Error> failure;  // guarded by `order`: memory and journal disagree
  std::atomic<Sequence> applied = 0;

  std::mutex checkpointing;       // held over a whole checkpoint or collection
  wal::ReplayStart checkpointed;  // guarded by `checkpointing`
  std::atomic<std::uint64_t> bytes_since_checkpoint = 0;

  std::mutex maintenance_mutex;
  std::condition_variable maintenance_changed;
  bool stopping = false;        // guarded by maintenance_mutex
  bool checkpoint_due = false;  // the same
  bool garbage_due = false;     // the same
  bool segment_due = false;     // the same
  std::stop_source stop_preparing;
  std::thread maintenance;

  std::atomic<std::uint64_t> batches = 0;
  std::atomic<std::uint64_t> checkpoints = 0;
  std::atomic<std::uint64_t> segments_removed = 0;
  std::atomic<std::uint64_t> reads_inline = 0;
  std::atomic<std::uint64_t> reads_pooled = 0;
  std::uint64_t replayed = 0;
  std::uint64_t recovery_ms = 0;
};

base::Status EmbeddedStore::Impl::open_folder() {
  RETURN_IF_ERROR(files.make_folder(options.folder));
  auto held = files.lock(options.folder + "/LOCK");
  if (!held && held.error().code == base::ErrorCode::kConflict)
    return base::error(base::ErrorCode::kConflict,
                       "the data folder " + options.folder + " is in use by another process");
  if (!held) return std::unexpected(held.error());
  lock = *std::move(held);
  RETURN_IF_ERROR(files.make_folder(options.folder + "/journal"));
  RETURN_IF_ERROR(files.sync_folder(options.folder));
  const base::Status synced = files.sync_folder(parent_of(options.folder));
  if (!synced && synced.error().code != base::ErrorCode::kNotFound) return synced;
  return {};
}

base::Status EmbeddedStore::Impl::open(base::Random& random) {
  if (options.segment_bytes >= kSegmentBytesEnd)
    return base::error(base::ErrorCode::kInvalidArgument, "segment_bytes must be below 4 GiB");
  const base::SteadyTime begin = clock.steady_now();
  RETURN_IF_ERROR(open_folder());
  ASSIGN_OR_RETURN(const auto found, read_checkpoint(files, options.folder));
  if (found) checkpointed = *found;
  ASSIGN_OR_RETURN(database,
                   Database::open({.folder = options.folder + "/keys",
                                   .block_cache_bytes = options.block_cache_bytes,
                                   .write_buffer_bytes = options.write_buffer_bytes,
                                   .create = !found},
                                  [this] {
                                    wal::Journal* const opened = gate;
                                    if (opened == nullptr) return true;
                                    return opened->wait_durable(opened->last()).has_value();
                                  }));
  const auto visit = [this](wal::Sequence, wal::Position place, std::string_view encoded) {
    bytes_since_checkpoint += encoded.size();
    auto prepared = database->prepare(encoded);
    if (!prepared) return base::Status(std::unexpected(prepared.error()));
    return database->apply(*std::move(prepared), place);
  };
  ASSIGN_OR_RETURN(journal, wal::Journal::open(files, random, clock,
                                               {.folder = options.folder + "/journal",
                                                .segment_bytes = options.segment_bytes,
                                                .queue_bytes_max = options.queue_bytes_max},
                                               checkpointed, visit));
  gate = journal.get();
  applied = journal->last();
  replayed = journal->metrics().replayed;
  segments = std::make_unique<SegmentCache>(*journal, options.open_segments_max);
  const auto took = clock.steady_now() - begin;
  recovery_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  garbage_due = true;
  checkpoint_due = bytes_since_checkpoint >= options.checkpoint_bytes;
  if (options.background) maintenance = std::thread([this] { maintain(); });
  return {};
}

base::Result<Sequence> EmbeddedStore::Impl::submit(const Batch& batch) {
  if (batch.empty()) return applied.load();
  ASSIGN_OR_RETURN(EncodedBatch encoded, encode_batch(batch));
  const std::size_t bytes = encoded.framed.size();
  // From the encoded bytes, as a replay will: what is applied is what the journal says.
  ASSIGN_OR_RETURN(
      PreparedBatch prepared,
      database->prepare(std::string_view(encoded.framed).substr(wal::kRecordHeaderBytes)));
  Sequence sequence = 0;
  {
    const std::lock_guard ordered(order);
    if (failure) return std::unexpected(*failure);
    ASSIGN_OR_RETURN(const wal::Appended appended,
                     journal->append(std::move(encoded.framed), encoded.crc));
    sequence = appended.sequence;
    applied = sequence;  // before anybody can read it
    const base::Status status = database->apply(std::move(prepared), appended.payload);
    if (!status) {
      failure = status.error();
      return std::unexpected(*failure);
    }
  }
  ++batches;
  const std::uint64_t before = bytes_since_checkpoint.fetch_add(bytes);
  const bool checkpoint_now =
      before < options.checkpoint_bytes && before + bytes >= options.checkpoint_bytes;
  const std::uint64_t early = std::min(kBeforeSpare, options.segment_bytes / 4);
  const bool segment_now = before < early && before + bytes >= early;
  if (checkpoint_now || segment_now || frees_logs(batch)) {
    const std::lock_guard held(maintenance_mutex);
    checkpoint_due |= checkpoint_now;
    segment_due |= segment_now;
    garbage_due = true;
    maintenance_changed.notify_one();
  }
  return sequence;
}

base::Status EmbeddedStore::Impl::checkpoint() {
  const std::lock_guard held(checkpointing);
  wal::ReplayStart end;
  {
    const std::lock_guard ordered(order);
    if (failure) return std::unexpected(*failure);
    end = journal->end();
    bytes_since_checkpoint = 0;
  }
  if (end.next == checkpointed.next) return {};
  RETURN_IF_ERROR(database->flush());
  RETURN_IF_ERROR(journal->wait_durable(end.next - 1));
  RETURN_IF_ERROR(write_checkpoint(files, options.folder, end));
  checkpointed = end;
  ++checkpoints;
  return {};
}

// What made a segment useless must be durable before the segment goes: else a crash would bring
// back a log that points into it.
base::Result<std::size_t> EmbeddedStore::Impl::collect_garbage() {
  const std::lock_guard held(checkpointing);
  const std::vector<std::uint64_t> all = journal->segments();
  std::vector<std::uint64_t> unused;
  for (const std::uint64_t segment : all) {
    if (segment >= checkpointed.position.segment || segment == all.back()) break;
    ASSIGN_OR_RETURN(const bool used, database->is_used(segment));
    if (!used) unused.push_back(segment);
  }
  if (unused.empty()) return 0;
  RETURN_IF_ERROR(journal->wait_durable(applied));
  for (const std::uint64_t segment : unused) {
    RETURN_IF_ERROR(journal->remove_segment(segment));
    segments->forget(segment);
    ++segments_removed;
  }
  RETURN_IF_ERROR(database->forget_segments_below(journal->segments().front()));
  return unused.size();
}

void EmbeddedStore::Impl::maintain() {
  std::unique_lock held(maintenance_mutex);
  for (;;) {
    maintenance_changed.wait(held, [this] { return stopping || checkpoint_due || garbage_due; });
    if (stopping) return;
    const bool checkpoint_now = std::exchange(checkpoint_due, false);
    const bool segment_now = std::exchange(segment_due, false);
    garbage_due = false;
    held.unlock();
    base::Status status;
    if (checkpoint_now) status = checkpoint();
    if (status && segment_now) status = journal->prepare_segment(stop_preparing.get_token());
    if (status) {
      const auto removed = collect_garbage();
      if (!removed) status = std::unexpected(removed.error());
    }
    if (!status) base::log_error("the store's maintenance: {}", status.error().message);
    held.lock();
    // Trims come often and free a segment seldom.
    maintenance_changed.wait_for(held, std::chrono::seconds(1),
                                 [this] { return stopping || checkpoint_due || segment_due; });
  }
}

void EmbeddedStore::Impl::stop_maintenance() {
  {
    const std::lock_guard held(maintenance_mutex);
    stopping = true;
  }
  stop_preparing.request_stop();
  maintenance_changed.notify_all();
  if (maintenance.joinable()) maintenance.join();
}

base::Status EmbeddedStore::Impl::close() {
  stop_maintenance();
  if (!journal) return {};
  const base::Status checkpointed_status = checkpoint();
  const base::Status closed = journal->close();
  database.reset();
  lock.reset();
  return checkpointed_status ? closed : checkpointed_status;
}

// `look` answers nullopt where it would wait for the disk.
template <class T, class F>
async::Task<base::Result<T>> EmbeddedStore::Impl::read(F look) {
  Found<T> quick = look(OnDisk::kGiveUp);
  if (quick) {
    ++reads_inline;
    co_return *std::move(quick);
  }
  ++reads_pooled;
  base::Result<T> slow = co_await pool.run([&look] { return *look(OnDisk::kRead); });
  co_return slow;
}

EmbeddedStore::EmbeddedStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

base::Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::open(EmbeddedOptions options,
                                                                 io::Files& files,
                                                                 async::BlockingPool& pool,
                                                                 base::Random& random,
                                                                 const base::Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), files, pool, clock);
  auto opened = std::unique_ptr<EmbeddedStore>(new EmbeddedStore(std::move(impl)));
  RETURN_IF_ERROR(opened->impl_->open(random));
  return opened;
}

// The journal first: a flush that waits for it gets its answer, and no other begins.
EmbeddedStore::~EmbeddedStore() {
  impl_->stop_maintenance();
  if (impl_->journal) static_cast<void>(impl_->journal->close());  // it has logged why, if it fails
  impl_->database.reset();
}

base::Status EmbeddedStore::close() { return impl_->close(); }

async::Task<base::Result<std::optional<std::string>>> EmbeddedStore::get(std::string key) {
  Database& database = *impl_->database;
  auto found = co_await impl_->read<std::optional<std::string>>(
      [&](OnDisk on_disk) { return database.get(key, on_disk); });
  co_return found;
}

std::optional<base::Result<std::optional<std::string>>> EmbeddedStore::peek(std::string_view key) {
  auto found = impl_->database->get(key, OnDisk::kGiveUp);
  if (found) ++impl_->reads_inline;
  return found;
}

async::Task<base::Result<std::vector<KeyValue>>> EmbeddedStore::scan(std::string from,
                                                                     std::string to,
                                                                     ScanOptions options) {
  Database& database = *impl_->database;
  auto found = co_await impl_->read<std::vector<KeyValue>>(
      [&](OnDisk on_disk) { return database.scan(from, to, options, on_disk); });
  co_return found;
}

async::Task<base::Result<std::vector<LogEntry>>> EmbeddedStore::read_log(LogId log,
                                                                         std::uint64_t from,
                                                                         ReadLogOptions options) {
  Impl& impl = *impl_;
  const auto look = [&](OnDisk on_disk) {
    const wal::Position end = impl.journal->durable_end();
    auto page = read_log_page(*impl.database, *impl.segments, log, from, options, end, on_disk);
    // A segment may have gone, or been written over, between the look into the index and the look
    // into it; then the index says by now that the entries are trimmed.
    const bool gone = page && !*page &&
                      (page->error().code == base::ErrorCode::kNotFound ||
                       page->error().code == base::ErrorCode::kCorruption);
    if (gone)
      page = read_log_page(*impl.database, *impl.segments, log, from, options, end, on_disk);
    return page;
  };
  auto quick = look(OnDisk::kGiveUp);
  if (quick) {
    ++impl.reads_inline;
    co_return *std::move(quick);
  }
  ++impl.reads_pooled;
  auto turn = co_await impl.page_turns.take();
  auto page = co_await impl.pool.run([&look] { return *look(OnDisk::kRead); });
  ReadTurns::end_soon(std::move(turn));
  co_return page;
}

async::Task<base::Result<LogBounds>> EmbeddedStore::log_bounds(LogId log) {
  Impl& impl = *impl_;
  auto found = co_await impl.read<LogBounds>([&](OnDisk on_disk) {
    return impl.database->log_bounds(log, impl.journal->durable_end(), on_disk);
  });
  co_return found;
}

base::Result<Sequence> EmbeddedStore::submit(Batch batch) { return impl_->submit(batch); }

async::Task<base::Status> EmbeddedStore::durable(Sequence sequence) {
  base::Status status = co_await impl_->journal->durable(sequence);
  co_return status;
}

Sequence EmbeddedStore::applied() const { return impl_->applied; }
Sequence EmbeddedStore::durable_sequence() const { return impl_->journal->durable_last(); }

base::Status EmbeddedStore::checkpoint() { return impl_->checkpoint(); }
base::Result<std::size_t> EmbeddedStore::collect_garbage() { return impl_->collect_garbage(); }

EmbeddedMetrics EmbeddedStore::metrics() const {
  return {.journal = impl_->journal->metrics(),
          .batches = impl_->batches,
          .checkpoints = impl_->checkpoints,
          .segments_removed = impl_->segments_removed,
          .replayed_batches = impl_->replayed,
          .recovery_ms = impl_->recovery_ms,
          .reads_inline = impl_->reads_inline,
          .reads_pooled = impl_->reads_pooled};
}

}  // namespace store
