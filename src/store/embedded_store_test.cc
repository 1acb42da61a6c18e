#include "store/embedded_store.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "io/real_files.h"
#include "store/test_folder.h"

namespace store {
namespace {

class EmbeddedStoreTest : public testing::Test {
 protected:
  base::Result<std::unique_ptr<EmbeddedStore>> try_open() {
    return EmbeddedStore::open(options_, files_, pool_, random_, clock_);
  }
  void open() {
    store_.reset();
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
  }
  template <class T>
  T run(async::Task<T> task) {
    return core_.run(std::move(task));
  }
  void commit(Batch batch) {
    const base::Status status = run(store_->commit(std::move(batch)));
    ASSERT_TRUE(status) << status.error().message;
  }
  std::vector<std::string> entries(LogId log, std::uint64_t from, ReadLogOptions options = {}) {
    const auto page = run(store_->read_log(log, from, options));
    EXPECT_TRUE(page) << page.error().message;
    std::vector<std::string> texts;
    if (page)
      for (const LogEntry& entry : *page)
        texts.push_back(std::to_string(entry.position) + "=" + entry.bytes.substr(0, 20));
    return texts;
  }
  std::optional<std::string> value(std::string key) { return *run(store_->get(std::move(key))); }

  TestFolder folder_;
  io::RealFiles files_;
  base::SystemClock clock_;
  base::SeededRandom random_{1};
  base::ManualClock manual_;
  async::ManualCore core_{manual_};
  async::BlockingPool pool_{1};
  EmbeddedOptions options_{.folder = folder_.path() + "/data"};
  std::unique_ptr<EmbeddedStore> store_;
};

using Texts = std::vector<std::string>;

TEST_F(EmbeddedStoreTest, KeepsKeysAndLogsOverAnUncleanEnd) {
  open();
  Batch batch;
  batch.put("a", "1");
  batch.put("b", "2");
  batch.append(LogId(7), 10, {"x", "y", ""});
  batch.erase("a");
  commit(std::move(batch));
  for (int life = 0; life < 3; ++life) {
    EXPECT_EQ(value("a"), std::nullopt);
    EXPECT_EQ(value("b"), "2");
    EXPECT_EQ(entries(LogId(7), 0), (Texts{"10=x", "11=y", "12="}));
    EXPECT_EQ(entries(LogId(7), 11), (Texts{"11=y", "12="}));
    EXPECT_EQ(entries(LogId(7), 13), Texts());
    EXPECT_EQ(entries(LogId(8), 0), Texts());
    open();
    EXPECT_EQ(store_->metrics().replayed_batches, 1U);
  }
  EXPECT_EQ(store_->applied(), 1U);
  EXPECT_EQ(store_->durable_sequence(), 1U);
}

TEST_F(EmbeddedStoreTest, ReplaysNothingAfterClose) {
  open();
  Batch batch;
  batch.put("k", "v");
  batch.append(LogId(1), 0, {"entry"});
  commit(std::move(batch));
  ASSERT_TRUE(store_->close());
  open();
  EXPECT_EQ(store_->metrics().replayed_batches, 0U);
  EXPECT_EQ(value("k"), "v");
  EXPECT_EQ(entries(LogId(1), 0), Texts{"0=entry"});
  EXPECT_EQ(store_->applied(), 1U);
}

TEST_F(EmbeddedStoreTest, ReplaysOnlyWhatIsBehindTheCheckpoint) {
  open();
  for (int i = 0; i < 10; ++i) {
    Batch batch;
    batch.put("k" + std::to_string(i), "v");
    commit(std::move(batch));
    if (i == 6) ASSERT_TRUE(store_->checkpoint());
  }
  open();
  EXPECT_EQ(store_->metrics().replayed_batches, 3U);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(value("k" + std::to_string(i)), "v");
}

TEST_F(EmbeddedStoreTest, ASecondOpenIsRefused) {
  open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::ErrorCode::kConflict);
}

TEST_F(EmbeddedStoreTest, TrimHidesEntriesInsideAChunkAndStays) {
  open();
  Batch batch;
  batch.append(LogId(1), 0, {"a", "b", "c"});
  commit(std::move(batch));
  Batch trim;
  trim.trim(LogId(1), 2);
  commit(std::move(trim));
  Batch lower;
  lower.trim(LogId(1), 1);
  commit(std::move(lower));
  EXPECT_EQ(entries(LogId(1), 0), Texts{"2=c"});
  EXPECT_EQ(run(store_->log_bounds(LogId(1)))->first, 2U);
  EXPECT_EQ(run(store_->log_bounds(LogId(1)))->end, 3U);
  ASSERT_TRUE(store_->close());
  open();
  EXPECT_EQ(entries(LogId(1), 0), Texts{"2=c"});
  Batch drop;
  drop.drop(LogId(1));
  commit(std::move(drop));
  EXPECT_EQ(entries(LogId(1), 0), Texts());
  EXPECT_EQ(run(store_->log_bounds(LogId(1)))->end, 0U);
}

TEST_F(EmbeddedStoreTest, ScansBothWaysInPages) {
  open();
  Batch batch;
  for (const char* const key : {"a", "b", "c", "d"}) batch.put(key, "v");
  commit(std::move(batch));
  const auto keys = [&](std::string from, std::string to, ScanOptions options) {
    std::string joined;
    for (const KeyValue& pair : *run(store_->scan(std::move(from), std::move(to), options)))
      joined += pair.key;
    return joined;
  };
  EXPECT_EQ(keys("", "", {}), "abcd");
  EXPECT_EQ(keys("b", "d", {}), "bc");
  EXPECT_EQ(keys("b", "d", {.reverse = true}), "cb");
  EXPECT_EQ(keys("", "", {.limit = 1, .reverse = true}), "d");
  EXPECT_EQ(keys("", "", {.bytes_max = 3}), "ab");
  EXPECT_EQ(keys("d", "b", {}), "");
  Batch erase;
  erase.erase_range("b", "d");
  commit(std::move(erase));
  EXPECT_EQ(keys("", "", {}), "ad");
  Batch rest;
  rest.put("e", "v");
  rest.erase_range("b", "");
  commit(std::move(rest));
  EXPECT_EQ(keys("", "", {}), "a");
}

TEST_F(EmbeddedStoreTest, DeletesSegmentsOnceTheirLogsAreTrimmed) {
  options_.segment_bytes = 64U << 10U;
  options_.background = false;
  open();
  const std::string entry(10'000, 'e');
  for (std::uint64_t i = 0; i < 40; ++i) {
    Batch batch;
    batch.append(LogId(1), i, {entry});
    commit(std::move(batch));
  }
  const std::uint64_t before = store_->metrics().journal.segments;
  EXPECT_GT(before, 5U);
  EXPECT_EQ(*store_->collect_garbage(), 0U);
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_EQ(*store_->collect_garbage(), 0U);
  Batch trim;
  trim.trim(LogId(1), 20);
  commit(std::move(trim));
  EXPECT_GT(*store_->collect_garbage(), 1U);
  EXPECT_EQ(entries(LogId(1), 0).size(), 20U);
  open();
  EXPECT_EQ(entries(LogId(1), 0).size(), 20U);
  Batch drop;
  drop.drop(LogId(1));
  commit(std::move(drop));
  ASSERT_TRUE(store_->checkpoint());
  EXPECT_GT(*store_->collect_garbage(), 1U);
  EXPECT_EQ(store_->metrics().journal.segments, 1U);
}

TEST_F(EmbeddedStoreTest, AFlippedBitSpoilsItsChunkOnly) {
  open();
  for (std::uint64_t i = 0; i < 3; ++i) {
    Batch batch;
    batch.append(LogId(1), i, {"entry number " + std::to_string(i)});
    commit(std::move(batch));
  }
  ASSERT_TRUE(store_->close());
  open();
  flip_bit_in(folder_.path() + "/data/journal/00000000000000000001.journal", "number 1");
  EXPECT_EQ(entries(LogId(1), 0), Texts{"0=entry number 0"});
  const auto damaged = run(store_->read_log(LogId(1), 1, {}));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, base::ErrorCode::kCorruption);
  EXPECT_NE(damaged.error().message.find("log 1, positions 1 to 1"), std::string::npos);
  EXPECT_EQ(entries(LogId(1), 2), Texts{"2=entry number 2"});
}

TEST_F(EmbeddedStoreTest, RefusesWhatCannotBeKept) {
  open();
  Batch high;
  high.put("\xff\xff\xff\xff\xff\xff\xff\xff", "v");
  EXPECT_EQ(store_->submit(std::move(high)).error().code, base::ErrorCode::kInvalidArgument);
  Batch large;
  large.put("k", std::string(65U << 20U, 'x'));
  EXPECT_EQ(store_->submit(std::move(large)).error().code, base::ErrorCode::kLimit);
  EXPECT_EQ(store_->applied(), 0U);
}

TEST_F(EmbeddedStoreTest, MissingKeysFolderIsCorruption) {
  open();
  Batch batch;
  batch.put("k", "v");
  commit(std::move(batch));
  ASSERT_TRUE(store_->close());
  store_.reset();
  folder_.remove_all("data/keys");
  const auto reopened = try_open();
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, base::ErrorCode::kCorruption);
}

TEST_F(EmbeddedStoreTest, LargeBatchesReadBackInPages) {
  options_.segment_bytes = 1U << 20U;
  open();
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) texts.push_back(std::to_string(i) + std::string(1000, '.'));
  Batch batch;
  batch.append(LogId(3), 100, texts);
  commit(std::move(batch));
  open();
  std::uint64_t next = 100;
  while (true) {
    const auto page = run(store_->read_log(LogId(3), next, {.limit = 700, .bytes_max = 500'000}));
    ASSERT_TRUE(page) << page.error().message;
    if (page->empty()) break;
    EXPECT_LE(page->size(), 500U);
    for (const LogEntry& entry : *page) {
      ASSERT_EQ(entry.position, next);
      ASSERT_EQ(entry.bytes, texts[next - 100]);
      ++next;
    }
  }
  EXPECT_EQ(next, 3100U);
}

}  // namespace
}  // namespace store
