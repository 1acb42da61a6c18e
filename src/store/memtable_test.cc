// The memtable as RocksDB sees it: a database that is never flushed but on demand, against a map.

#include "store/memtable.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/table.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/encoding.h"
#include "base/random.h"

namespace store {
namespace {

using Model = std::map<std::string, std::string>;

class MemtableTest : public testing::Test {
 protected:
  MemtableTest() : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
    rocksdb::Options options;
    options.env = env_.get();
    options.create_if_missing = true;
    options.memtable_factory = memtable_factory();
    options.allow_concurrent_memtable_write = false;
    rocksdb::DB* db = nullptr;
    const rocksdb::Status opened = rocksdb::DB::Open(options, "/db", &db);
    EXPECT_TRUE(opened.ok()) << opened.ToString();
    db_.reset(db);
    write_.disableWAL = true;
  }

  std::optional<std::string> get(const std::string& key,
                                 const rocksdb::Snapshot* snapshot = nullptr) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    std::string value;
    const rocksdb::Status status = db_->Get(options, key, &value);
    EXPECT_TRUE(status.ok() || status.IsNotFound()) << status.ToString();
    if (!status.ok()) return std::nullopt;
    return value;
  }
  void expect_like(const Model& model, const rocksdb::Snapshot* snapshot = nullptr) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
    at->SeekToFirst();
    for (const auto& [key, value] : model) {
      ASSERT_TRUE(at->Valid());
      ASSERT_EQ(at->key().ToString(), key);
      ASSERT_EQ(at->value().ToString(), value);
      ASSERT_EQ(get(key, snapshot), value);
      at->Next();
    }
    EXPECT_FALSE(at->Valid());
    at->SeekToLast();
    for (auto one = model.rbegin(); one != model.rend(); ++one) {
      ASSERT_TRUE(at->Valid());
      ASSERT_EQ(at->key().ToString(), one->first);
      ASSERT_EQ(at->value().ToString(), one->second);
      at->Prev();
    }
    EXPECT_FALSE(at->Valid());
  }
  void expect_seek_like(const Model& model, const std::string& key) {
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
    const auto from = model.lower_bound(key);
    at->Seek(key);
    ASSERT_EQ(at->Valid(), from != model.end());
    if (at->Valid()) {
      EXPECT_EQ(at->key().ToString(), from->first);
    }
    const auto above = model.upper_bound(key);
    at->SeekForPrev(key);
    ASSERT_EQ(at->Valid(), above != model.begin());
    if (at->Valid()) {
      EXPECT_EQ(at->key().ToString(), std::prev(above)->first);
    }
  }

  const std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::WriteOptions write_;
};

// Keys of all lengths around those that are compared as numbers, with a common start, zero bytes
// and bytes above 127.
std::string draw_key(base::Random& random) {
  std::string key = random.below(2) == 0 ? "" : "shared";
  for (std::uint64_t left = random.below(18); left > 0; --left)
    key += "\0a\x7f\xff"[random.below(4)];
  return key;
}

TEST_F(MemtableTest, AnswersLikeAMapWhateverIsWritten) {
  base::SeededRandom random(7);
  Model model;
  std::vector<std::pair<const rocksdb::Snapshot*, Model>> seen;
  for (int round = 0; round < 4000; ++round) {
    const std::string key =
        model.empty() || random.below(2) == 0
            ? draw_key(random)
            : std::next(model.begin(), static_cast<std::ptrdiff_t>(random.below(model.size())))
                  ->first;
    if (random.below(4) == 0) {
      ASSERT_TRUE(db_->Delete(write_, key).ok());
      model.erase(key);
    } else {
      model[key] = std::to_string(round);
      ASSERT_TRUE(db_->Put(write_, key, model[key]).ok());
    }
    if (round % 500 == 250) seen.emplace_back(db_->GetSnapshot(), model);
    if (round % 50 == 0) expect_seek_like(model, draw_key(random));
    if (round % 200 == 0) expect_like(model);
    ASSERT_EQ(get(key), model.contains(key) ? std::optional(model[key]) : std::nullopt);
    ASSERT_EQ(get(key + "!"), std::nullopt);
  }
  for (const auto& [snapshot, then] : seen) {
    expect_like(then, snapshot);
    db_->ReleaseSnapshot(snapshot);
  }
  ASSERT_TRUE(db_->Flush({}).ok());
  expect_like(model);
}

TEST_F(MemtableTest, PassesTheManyVersionsOfAKeyBothWays) {
  Model model;
  for (const char* const key : {"a", "b", "c"}) model[key] = "1";
  for (const auto& [key, value] : model) ASSERT_TRUE(db_->Put(write_, key, value).ok());
  const rocksdb::Snapshot* const before = db_->GetSnapshot();
  const Model then = model;
  for (int i = 0; i < 1000; ++i) {
    model["b"] = std::to_string(i);
    ASSERT_TRUE(db_->Put(write_, "b", model["b"]).ok());
  }
  expect_like(model);
  expect_like(then, before);
  db_->ReleaseSnapshot(before);
}

TEST_F(MemtableTest, ForgetsRanges) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(db_->Put(write_, "k" + std::to_string(i), "x").ok());
  ASSERT_TRUE(db_->DeleteRange(write_, db_->DefaultColumnFamily(), "k1", "k9").ok());
  EXPECT_EQ(get("k0"), "x");
  EXPECT_EQ(get("k1"), std::nullopt);
  EXPECT_EQ(get("k88"), std::nullopt);
  EXPECT_EQ(get("k9"), "x");
  ASSERT_TRUE(db_->Put(write_, "k5", "again").ok());
  expect_like({{"k0", "x"},
               {"k5", "again"},
               {"k9", "x"},
               {"k90", "x"},
               {"k91", "x"},
               {"k92", "x"},
               {"k93", "x"},
               {"k94", "x"},
               {"k95", "x"},
               {"k96", "x"},
               {"k97", "x"},
               {"k98", "x"},
               {"k99", "x"}});
}

// A reader sees every key up to the one that was written when it began, and no torn value.
TEST_F(MemtableTest, IsReadWhileItIsWritten) {
  constexpr std::uint64_t kKeys = 20'000;
  std::atomic<std::uint64_t> written = 0;
  const auto key_of = [](std::uint64_t number) {
    std::string key;
    base::append_u64(key, number * 0x9e3779b97f4a7c15U);  // in no order
    return key;
  };
  std::atomic<std::uint64_t> wrong = 0;
  std::vector<std::thread> readers;
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    readers.emplace_back([&, seed] {
      base::SeededRandom random(seed);
      while (written < kKeys) {
        const std::uint64_t there = written;
        if (there == 0) continue;
        const std::uint64_t one = random.below(there);
        std::string value;
        if (!db_->Get({}, key_of(one), &value).ok() || value.substr(1) != key_of(one)) ++wrong;
        const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator({}));
        at->Seek(key_of(one));
        if (!at->Valid() || at->key() != key_of(one)) ++wrong;
        for (int step = 0; step < 8 && at->Valid(); ++step) {
          if (at->value().ToString().substr(1) != at->key().ToString()) ++wrong;
          if (random.below(2) == 0) at->Next();
          else at->Prev();
        }
      }
    });
  }
  for (std::uint64_t number = 0; number < kKeys; ++number) {
    EXPECT_TRUE(db_->Put(write_, key_of(number), "1" + key_of(number)).ok());
    EXPECT_TRUE(db_->Put(write_, key_of(number / 2), "2" + key_of(number / 2)).ok());
    written = number + 1;
  }
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace store
