#include "store/database.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "base/encoding.h"
#include "store/batch_codec.h"
#include "store/database_files.h"
#include "store/database_keys.h"
#include "store/memtable.h"

namespace store {

namespace {

using Kind = Batch::Operation::Kind;

base::Error translate(const rocksdb::Status& status) {
  base::ErrorCode code = base::ErrorCode::kIo;
  if (status.IsCorruption()) code = base::ErrorCode::kCorruption;
  else if (status.IsNoSpace()) code = base::ErrorCode::kNoSpace;
  return {code, "the key database: " + status.ToString()};
}

base::Status checked(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return std::unexpected(translate(status));
}

std::unexpected<base::Error> damaged_index(LogId log) {
  return base::error(base::ErrorCode::kCorruption,
                     fmt::format("the index of log {} is damaged", log.value()));
}

// The newest trim of a log is the highest.
class HighestWins final : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* existing, const rocksdb::Slice& value,
             std::string* merged, rocksdb::Logger*) const override {
    const bool keep = existing != nullptr && existing->compare(value) > 0;
    *merged = (keep ? *existing : value).ToString();
    return true;
  }
  const char* Name() const override { return "millrace.HighestWins"; }
};

// Memtables must not overtake the journal. RocksDB has chosen what it flushes before this is
// called, and only then makes the file.
class FlushListener final : public rocksdb::EventListener {
 public:
  FlushListener(Database::FlushGate gate, std::shared_ptr<DatabaseFiles> files)
      : gate_(std::move(gate)), files_(std::move(files)) {}
  void OnFlushBegin(rocksdb::DB*, const rocksdb::FlushJobInfo&) override {
    if (!gate_()) files_->shut();
  }

 private:
  const Database::FlushGate gate_;
  const std::shared_ptr<DatabaseFiles> files_;
};

// Any timeout makes DatabaseFiles give up rather than wait. (RocksDB's own way to ask for as much,
// a tier, looks no further than its cache, though most of what is not there is in the system's.)
constexpr std::chrono::microseconds kDoNotWait{1};

rocksdb::ReadOptions read_options(OnDisk on_disk) {
  rocksdb::ReadOptions options;
  if (on_disk == OnDisk::kGiveUp) options.io_timeout = kDoNotWait;
  return options;
}

rocksdb::ColumnFamilyOptions table_options(const DatabaseOptions& options,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // In pieces: the whole filter of a large file is too large for a shard of the cache, so that it
  // would be read again from the file, half a megabyte, for every key that is looked for.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  // Neighbours in an index share most of their bytes.
  table.index_block_restart_interval = 16;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 4;
  family.arena_block_size = 64U << 10U;
  family.memtable_factory = memtable_factory();
  family.level_compaction_dynamic_level_bytes = true;
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::ranges::find(supported, rocksdb::kLZ4Compression) != supported.end();
  family.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  // What has just been flushed is soon merged with the rest, and is packed then.
  family.compression_per_level = {rocksdb::kNoCompression, family.compression};
  return family;
}

rocksdb::LRUCacheOptions cache_options(const DatabaseOptions& options) {
  rocksdb::LRUCacheOptions cache;
  cache.capacity = options.block_cache_bytes;
  // Indexes and filters are needed for every key and stay; blocks of items, of which a large table
  // has too many anyway, are in the system's page cache.
  cache.high_pri_pool_ratio = 0.9;
  return cache;
}

rocksdb::DBOptions database_options(const DatabaseOptions& options, rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = options.create;
  db.create_missing_column_families = options.create;
  db.db_write_buffer_size = options.write_buffer_bytes;
  db.max_background_jobs = 2;
  db.max_open_files = 256;
  db.bytes_per_sync = 1U << 20U;
  // What is not flushed comes back from the journal, and must not get ahead of it.
  db.avoid_flush_during_shutdown = true;
  // One thread writes at a time.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.keep_log_file_num = 2;
  db.max_log_file_size = 1U << 20U;
  return db;
}

}  // namespace

// What happens to the index of logs; where its chunks are is known last.
struct LogOperation {
  Kind kind = Kind::kAppend;
  LogId log;
  Chunk chunk;  // a trim's position is its first
  std::uint64_t chunk_offset = 0;
};

struct PreparedBatch::Impl {
  // `bytes`: the encoded batch's, whose form takes as much of a key and its value.
  explicit Impl(std::size_t bytes) : out(bytes) {}

  rocksdb::WriteBatch out;  // the keys
  std::vector<LogOperation> log_operations;
};

struct Database::Impl {
  std::shared_ptr<DatabaseFiles> files;
  std::unique_ptr<rocksdb::Env> env;
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* keys = nullptr;
  rocksdb::ColumnFamilyHandle* logs = nullptr;
  rocksdb::WriteOptions write;
  // Logs known to have chunks in `using_segment`; apply()'s alone.
  std::uint64_t using_segment = 0;
  std::set<LogId> using_logs;

  ~Impl() {
    if (!db) return;
    for (auto* const family : {keys, logs})
      if (family != nullptr) db->DestroyColumnFamilyHandle(family);
    db->Close();
  }

  base::Status collect(rocksdb::WriteBatch& out, const LogOperation& operation,
                       wal::Position place);
  base::Status collect_append(rocksdb::WriteBatch& out, const LogOperation& operation,
                              wal::Position place);
};

PreparedBatch::PreparedBatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedBatch::PreparedBatch(PreparedBatch&& other) noexcept = default;
PreparedBatch& PreparedBatch::operator=(PreparedBatch&& other) noexcept = default;
PreparedBatch::~PreparedBatch() = default;

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

base::Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options,
                                                       FlushGate gate) {
  auto impl = std::make_unique<Impl>();
  impl->files = std::make_shared<DatabaseFiles>();
  impl->env = rocksdb::NewCompositeEnv(impl->files);
  impl->write.disableWAL = true;
  rocksdb::DBOptions db_options = database_options(options, impl->env.get());
  db_options.listeners.push_back(std::make_shared<FlushListener>(std::move(gate), impl->files));
  const auto cache = rocksdb::NewLRUCache(cache_options(options));
  rocksdb::ColumnFamilyOptions keys = table_options(options, cache);
  rocksdb::ColumnFamilyOptions logs = table_options(options, cache);
  logs.merge_operator = std::make_shared<HighestWins>();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(db_options, options.folder,
                        {{rocksdb::kDefaultColumnFamilyName, keys}, {"logs", logs}}, &handles, &db);
  if (!opened.ok()) {
    base::Error error = translate(opened);
    if (opened.IsInvalidArgument()) error.code = base::ErrorCode::kCorruption;
    return std::unexpected(std::move(error));
  }
  impl->db.reset(db);
  impl->keys = handles[0];
  impl->logs = handles[1];
  return std::unique_ptr<Database>(new Database(std::move(impl)));
}

base::Result<PreparedBatch> Database::prepare(std::string_view encoded) const {
  ASSIGN_OR_RETURN(BatchReader reader, BatchReader::open(encoded));
  auto prepared = std::make_unique<PreparedBatch::Impl>(encoded.size());
  rocksdb::WriteBatch& out = prepared->out;
  for (;;) {
    ASSIGN_OR_RETURN(const auto operation, reader.next());
    if (!operation) return PreparedBatch(std::move(prepared));
    rocksdb::Status status;
    switch (operation->kind) {
      case Kind::kPut: status = out.Put(impl_->keys, operation->key, operation->value); break;
      case Kind::kErase: status = out.Delete(impl_->keys, operation->key); break;
      case Kind::kEraseRange:
        status = out.DeleteRange(impl_->keys, operation->key,
                                 operation->value.empty() ? kKeysEnd : operation->value);
        break;
      case Kind::kAppend:
      case Kind::kTrim:
      case Kind::kDrop:
        prepared->log_operations.push_back(
            {.kind = operation->kind,
             .log = operation->log,
             .chunk = {.first = operation->position,
                       .count = operation->count,
                       .place = {},
                       .bytes = static_cast<std::uint32_t>(operation->chunk.size()),
                       .crc = operation->crc},
             .chunk_offset = operation->chunk_offset});
        break;
    }
    RETURN_IF_ERROR(checked(status));
  }
}

base::Status Database::apply(PreparedBatch batch, wal::Position place) {
  rocksdb::WriteBatch& out = batch.impl_->out;
  for (const LogOperation& operation : batch.impl_->log_operations)
    RETURN_IF_ERROR(impl_->collect(out, operation, place));
  return checked(impl_->db->Write(impl_->write, &out));
}

base::Status Database::Impl::collect(rocksdb::WriteBatch& out, const LogOperation& operation,
                                     wal::Position place) {
  const LogId log = operation.log;
  if (operation.kind == Kind::kAppend) return collect_append(out, operation, place);
  if (operation.kind == Kind::kDrop) {
    RETURN_IF_ERROR(checked(out.Delete(logs, trim_key(log))));
    return checked(out.DeleteRange(logs, chunks_begin(log), chunks_end(log)));
  }
  std::string position;
  base::append_u64(position, operation.chunk.first);
  RETURN_IF_ERROR(checked(out.Merge(logs, trim_key(log), position)));
  return checked(out.DeleteRange(logs, chunks_begin(log), chunk_key(log, operation.chunk.first)));
}

base::Status Database::Impl::collect_append(rocksdb::WriteBatch& out, const LogOperation& operation,
                                            wal::Position place) {
  Chunk chunk = operation.chunk;
  chunk.place = {place.segment, place.offset + operation.chunk_offset};
  const std::uint64_t last = chunk.first + chunk.count - 1;
  RETURN_IF_ERROR(checked(out.Put(logs, chunk_key(operation.log, last), chunk_value(chunk))));
  if (place.segment != using_segment) {
    using_segment = place.segment;
    using_logs.clear();
  }
  if (!using_logs.insert(operation.log).second) return {};
  return checked(out.Put(logs, use_key(place.segment, operation.log), ""));
}

base::Status Database::flush() {
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;
  return checked(impl_->db->Flush(options, {impl_->keys, impl_->logs}));
}

Found<std::optional<std::string>> Database::get(std::string_view key, OnDisk on_disk) {
  std::string value;
  const rocksdb::Status status = impl_->db->Get(read_options(on_disk), impl_->keys, key, &value);
  if (status.IsTimedOut()) return std::nullopt;
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return std::unexpected(translate(status));
  return std::optional<std::string>(std::move(value));
}

Found<std::vector<KeyValue>> Database::scan(std::string_view from, std::string_view to,
                                            const ScanOptions& options, OnDisk on_disk) {
  std::vector<KeyValue> page;
  if (options.limit == 0 || (!to.empty() && to <= from)) return page;
  rocksdb::ReadOptions read = read_options(on_disk);
  const rocksdb::Slice lower(from);
  const rocksdb::Slice upper(to);
  read.iterate_lower_bound = &lower;
  if (!to.empty()) read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator(read, impl_->keys));
  if (options.reverse) at->SeekToLast();
  else at->SeekToFirst();
  std::size_t bytes = 0;
  while (at->Valid()) {
    page.push_back({at->key().ToString(), at->value().ToString()});
    bytes += at->key().size() + at->value().size();
    if (page.size() == options.limit || bytes > options.bytes_max) break;
    if (options.reverse) at->Prev();
    else at->Next();
  }
  if (at->status().IsTimedOut()) return std::nullopt;
  if (!at->status().ok()) return std::unexpected(translate(at->status()));
  return page;
}

Found<ChunkList> Database::chunks(LogId log, std::uint64_t from, const ReadLogOptions& options,
                                  wal::Position end, OnDisk on_disk) {
  ChunkList list;
  rocksdb::ReadOptions read = read_options(on_disk);
  rocksdb::PinnableSlice trimmed;
  const rocksdb::Status got = impl_->db->Get(read, impl_->logs, trim_key(log), &trimmed);
  if (got.IsTimedOut()) return std::nullopt;
  if (!got.ok() && !got.IsNotFound()) return std::unexpected(translate(got));
  if (got.ok() && trimmed.size() == 8) list.trimmed = base::read_u64(trimmed.ToStringView());
  from = std::max(from, list.trimmed);

  const std::string upper_key = chunks_end(log);
  const rocksdb::Slice upper(upper_key);
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator(read, impl_->logs));
  std::size_t entries = 0;
  std::size_t bytes = 0;
  for (at->Seek(chunk_key(log, from)); at->Valid(); at->Next()) {
    const auto chunk = decode_chunk(at->key().ToStringView(), at->value().ToStringView());
    if (!chunk) return damaged_index(log);
    if (chunk->place >= end) break;
    // How much of the first chunk lies below `from` is not known in bytes, so it does not count.
    if (!list.chunks.empty()) bytes += chunk->bytes - 4 * std::size_t{chunk->count};
    entries += chunk->count - (chunk->first < from ? from - chunk->first : 0);
    list.chunks.push_back(*chunk);
    if (entries >= options.limit || bytes > options.bytes_max) break;
  }
  if (at->status().IsTimedOut()) return std::nullopt;
  if (!at->status().ok()) return std::unexpected(translate(at->status()));
  return list;
}

Found<LogBounds> Database::log_bounds(LogId log, wal::Position end, OnDisk on_disk) {
  const ReadLogOptions one{.limit = 1, .bytes_max = 0};
  const auto first = chunks(log, 0, one, end, on_disk);
  if (!first) return std::nullopt;
  if (!*first) return std::unexpected(first->error());
  if ((*first)->chunks.empty()) return LogBounds();
  LogBounds bounds{.first = std::max((*first)->chunks.front().first, (*first)->trimmed), .end = 0};

  rocksdb::ReadOptions read = read_options(on_disk);
  const std::string lower_key = chunks_begin(log);
  const rocksdb::Slice lower(lower_key);
  const std::string upper_key = chunks_end(log);
  const rocksdb::Slice upper(upper_key);
  read.iterate_lower_bound = &lower;
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator(read, impl_->logs));
  for (at->SeekToLast(); at->Valid(); at->Prev()) {
    const auto chunk = decode_chunk(at->key().ToStringView(), at->value().ToStringView());
    if (!chunk) return damaged_index(log);
    if (chunk->place >= end) continue;
    bounds.end = chunk->first + chunk->count;
    break;
  }
  if (at->status().IsTimedOut()) return std::nullopt;
  if (!at->status().ok()) return std::unexpected(translate(at->status()));
  // Trimmed meanwhile.
  if (bounds.end <= bounds.first) return LogBounds();
  return bounds;
}

// A log's chunks lie in ascending segments, so its first one decides.
base::Result<bool> Database::is_used(std::uint64_t segment) {
  rocksdb::ReadOptions read;
  const std::string upper_key = uses_begin(segment + 1);
  const rocksdb::Slice upper(upper_key);
  read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> uses(impl_->db->NewIterator(read, impl_->logs));
  const std::unique_ptr<rocksdb::Iterator> chunks(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->logs));
  for (uses->Seek(uses_begin(segment)); uses->Valid(); uses->Next()) {
    const auto log = decode_use(uses->key().ToStringView());
    if (!log) return true;
    chunks->Seek(chunks_begin(*log));
    if (!chunks->status().ok()) return std::unexpected(translate(chunks->status()));
    if (!chunks->Valid() || chunks->key().ToStringView() >= chunks_end(*log)) continue;
    const auto chunk = decode_chunk(chunks->key().ToStringView(), chunks->value().ToStringView());
    if (!chunk || chunk->place.segment <= segment) return true;
  }
  if (!uses->status().ok()) return std::unexpected(translate(uses->status()));
  return false;
}

base::Status Database::forget_segments_below(std::uint64_t segment) {
  return checked(
      impl_->db->DeleteRange(impl_->write, impl_->logs, uses_begin(0), uses_begin(segment)));
}

}  // namespace store
