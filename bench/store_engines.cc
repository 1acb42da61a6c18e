#include "store_engines.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>

#include <atomic>
#include <mutex>

#include "base/check.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "store/batch_codec.h"
#include "store/checkpoint.h"
#include "store/embedded_store.h"
#include "wal/journal.h"

namespace bench {

namespace {

constexpr std::size_t kPage = 500;
const store::LogId kLog(1);

class IndexEngine final : public Engine {
 public:
  IndexEngine(World& world, const std::string& folder) {
    auto opened = store::EmbeddedStore::open({.folder = folder}, world.files, world.pool,
                                             world.random, world.clock);
    CHECK(opened);
    store_ = *std::move(opened);
  }
  async::Task<bool> commit(std::vector<std::string> records) override {
    store::Batch batch;
    const std::uint64_t count = records.size();
    batch.append(kLog, next_, std::move(records));
    next_ += count;
    const base::Status status = co_await store_->commit(std::move(batch));
    co_return status.has_value();
  }
  async::Task<std::size_t> read(std::uint64_t position) override {
    const auto page = co_await store_->read_log(
        kLog, position, store::ReadLogOptions{.limit = kPage, .bytes_max = 10U << 20U});
    CHECK(page);
    co_return page->size();
  }
  void settle() override { CHECK(store_->checkpoint()); }
  bool blocking() const override { return false; }

 private:
  std::unique_ptr<store::EmbeddedStore> store_;
  std::uint64_t next_ = 0;  // all submitters run on one core
};

std::unique_ptr<rocksdb::DB> open_db(const std::string& folder) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = 16U << 20U;
  options.max_write_buffer_number = 4;
  options.level_compaction_dynamic_level_bytes = true;
  options.compression = rocksdb::kLZ4Compression;
  options.max_background_jobs = 2;
  options.avoid_flush_during_shutdown = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(32U << 20U);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  rocksdb::DB* db = nullptr;
  CHECK(rocksdb::DB::Open(options, folder, &db).ok());
  return std::unique_ptr<rocksdb::DB>(db);
}

std::string key_of(std::uint64_t position) {
  std::string key;
  base::append_u64(key, kLog.value());
  base::append_u64(key, position);
  return key;
}

std::size_t read_page(rocksdb::DB& db, std::uint64_t position) {
  const std::unique_ptr<rocksdb::Iterator> at(db.NewIterator(rocksdb::ReadOptions()));
  std::vector<std::string> page;
  for (at->Seek(key_of(position)); at->Valid() && page.size() < kPage; at->Next())
    page.push_back(at->value().ToString());
  return page.size();
}

class RocksdbEngine final : public Engine {
 public:
  explicit RocksdbEngine(const std::string& folder) : db_(open_db(folder)) {}
  async::Task<bool> commit(std::vector<std::string> records) override {
    rocksdb::WriteBatch batch;
    std::uint64_t position = next_.fetch_add(records.size());
    for (const std::string& record : records) batch.Put(key_of(position++), record);
    rocksdb::WriteOptions options;
    options.sync = true;
    co_return db_->Write(options, &batch).ok();
  }
  async::Task<std::size_t> read(std::uint64_t position) override {
    co_return read_page(*db_, position);
  }
  void settle() override { CHECK(db_->Flush(rocksdb::FlushOptions()).ok()); }
  bool blocking() const override { return true; }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::atomic<std::uint64_t> next_ = 0;
};

class CopyEngine final : public Engine {
 public:
  CopyEngine(World& world, const std::string& folder) : world_(world), folder_(folder) {
    CHECK(world.files.make_folder(folder));
    db_ = open_db(folder + "/keys");
    write_.disableWAL = true;
    const auto checkpoint = store::read_checkpoint(world.files, folder);
    CHECK(checkpoint);
    auto opened = wal::Journal::open(
        world.files, world.random, world.clock, {.folder = folder + "/journal"},
        checkpoint->value_or(wal::ReplayStart()),
        [this](wal::Sequence, wal::Position, std::string_view bytes) { return apply(bytes); });
    CHECK(opened);
    journal_ = *std::move(opened);
  }
  async::Task<bool> commit(std::vector<std::string> records) override {
    store::Batch batch;
    const std::uint64_t count = records.size();
    batch.append(kLog, next_, std::move(records));
    next_ += count;
    auto encoded = store::encode_batch(batch);
    CHECK(encoded);
    CHECK(apply(std::string_view(encoded->framed).substr(wal::kRecordHeaderBytes)));
    const auto appended = journal_->append(std::move(encoded->framed), encoded->crc);
    if (!appended) co_return false;
    const base::Status status = co_await journal_->durable(appended->sequence);
    co_return status.has_value();
  }
  async::Task<std::size_t> read(std::uint64_t position) override {
    co_return read_page(*db_, position);
  }
  void settle() override {
    const wal::ReplayStart end = journal_->end();
    CHECK(db_->Flush(rocksdb::FlushOptions()).ok());
    CHECK(store::write_checkpoint(world_.files, folder_, end));
  }
  bool blocking() const override { return false; }

 private:
  base::Status apply(std::string_view encoded) {
    rocksdb::WriteBatch out;
    auto reader = store::BatchReader::open(encoded);
    CHECK(reader);
    for (;;) {
      const auto operation = reader->next();
      CHECK(operation);
      if (!*operation) break;
      std::uint64_t position = (*operation)->position;
      const auto entries = store::split_chunk((*operation)->chunk, (*operation)->count);
      CHECK(entries);
      for (const std::string_view entry : *entries) out.Put(key_of(position++), entry);
    }
    CHECK(db_->Write(write_, &out).ok());
    return {};
  }

  World& world_;
  const std::string folder_;
  rocksdb::WriteOptions write_;
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<wal::Journal> journal_;
  std::uint64_t next_ = 0;
};

}  // namespace

std::unique_ptr<Engine> open_index(World& world, const std::string& folder) {
  return std::make_unique<IndexEngine>(world, folder);
}
std::unique_ptr<Engine> open_rocksdb(World&, const std::string& folder) {
  return std::make_unique<RocksdbEngine>(folder);
}
std::unique_ptr<Engine> open_copy(World& world, const std::string& folder) {
  return std::make_unique<CopyEngine>(world, folder);
}

}  // namespace bench
