#include "streamlog/stream_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "async/when_all.h"
#include "store/memory_store.h"

namespace streamlog {
namespace {

using namespace std::chrono_literals;

TEST(SequenceNumber, HasAwsFormAndRoundTrips) {
  const SequenceNumber number{.shard_created_s = 1'795'409'460,
                              .shard_index = 3,
                              .position = 77,
                              .arrival_s = 1'795'409'999};
  const std::string text = number.to_string();
  EXPECT_EQ(text.size(), 56U);
  EXPECT_TRUE(text.starts_with("49"));
  EXPECT_EQ(SequenceNumber::parse(text), number);
  EXPECT_EQ(SequenceNumber::parse("12"), std::nullopt);
  EXPECT_EQ(SequenceNumber::parse(text + "x"), std::nullopt);
}

TEST(HashKey, RangesCoverTheRingAsAwsCutsIt) {
  const auto three = even_ranges(3);
  EXPECT_EQ(to_decimal(three[0].end), "113427455640312821154458202477256070484");
  EXPECT_EQ(to_decimal(three[1].start), "113427455640312821154458202477256070485");
  EXPECT_EQ(to_decimal(three[2].end), "340282366920938463463374607431768211455");
  EXPECT_EQ(to_decimal(even_ranges(2)[0].end), "170141183460469231731687303715884105727");
  EXPECT_EQ(parse_hash_key("340282366920938463463374607431768211456"), std::nullopt);
}

class StreamLogTest : public testing::Test {
 protected:
  StreamPtr make(std::uint32_t shards = 1) {
    return *core.run(log->create(kKey, {.shard_count = shards}));
  }
  void reopen() {
    log = fresh();
    ASSERT_TRUE(core.run(log->open()).has_value());
  }
  std::unique_ptr<StreamLog> fresh() {
    return std::make_unique<StreamLog>(
        store, core, [this](std::uint64_t) -> async::Core& { return core; }, clock, random);
  }
  void put(Shard& shard, std::string data) {
    ASSERT_TRUE(
        core.run(shard.append({{.partition_key = "k", .data = std::move(data)}})).has_value());
  }
  std::vector<std::string> data_of(const Shard& shard, Position from = 0) {
    std::vector<std::string> all;
    const auto records = core.run(shard.read(from, 100));
    for (const Record& record : *records) all.push_back(record.data);
    return all;
  }

  const StreamKey kKey{"000000000000", "us-east-1", "s"};
  base::ManualClock clock;
  base::SeededRandom random{1};
  async::ManualCore core{clock};
  store::MemoryStore store;
  std::unique_ptr<StreamLog> log = fresh();
};

TEST_F(StreamLogTest, RecordsComeBackInOrderAfterReopening) {
  const auto shard = make()->shard(0);
  put(*shard, "a");
  put(*shard, "b");
  reopen();
  const auto again = log->find(kKey)->shard(0);
  EXPECT_THAT(data_of(*again), testing::ElementsAre("a", "b"));
  put(*again, "c");
  EXPECT_EQ(again->end(), 4U);
}

TEST_F(StreamLogTest, NothingIsAnsweredOrReadBeforeItIsSynced) {
  const auto shard = make()->shard(0);
  store.hold_syncs();
  bool answered = false;
  const auto append = [](Shard& to, bool& done) -> async::Task<void> {
    const auto appended = co_await to.append({{"k", "early"}});
    done = appended.has_value();
  };
  async::spawn(core, append(*shard, answered));
  core.run_for(1s);
  EXPECT_FALSE(answered);
  EXPECT_THAT(data_of(*shard), testing::IsEmpty());
  store.release_syncs();
  core.run_for(1s);
  EXPECT_TRUE(answered);
  EXPECT_THAT(data_of(*shard), testing::ElementsAre("early"));
}

TEST_F(StreamLogTest, AFailedSyncIsAnError) {
  const auto shard = make()->shard(0);
  store.fail();
  EXPECT_FALSE(core.run(shard->append({{"k", "lost"}})).has_value());
  EXPECT_THAT(data_of(*shard), testing::IsEmpty());
}

TEST_F(StreamLogTest, SplitAndMergeKeepTheRingWholeAndNumbersGrowing) {
  auto stream = make();
  const auto parent = stream->shard(0);
  put(*parent, "before");
  stream = *core.run(log->split(kKey, 0, static_cast<HashKey>(1) << 127U));
  EXPECT_EQ(stream->info.open_shards(), 2U);
  EXPECT_FALSE(core.run(parent->append({{"k", "late"}})).has_value());
  EXPECT_EQ(stream->info.owner_of(kHashKeyMax).parent, 0U);
  const auto& child = stream->info.shards[1];
  EXPECT_GT(child.start().to_string(), stream->info.shards[0].number(1, clock.now()).to_string());
  stream = *core.run(log->merge(kKey, 1, 2));
  EXPECT_EQ(stream->info.open_shards(), 1U);
  EXPECT_EQ(stream->info.shards[3].adjacent_parent, 2U);
  EXPECT_EQ(stream->info.shards[3].range, HashRange());
  reopen();
  EXPECT_EQ(log->find(kKey)->info, stream->info);
}

TEST_F(StreamLogTest, RefusesSplitsAndMergesThatCannotBe) {
  make(4);
  EXPECT_EQ(core.run(log->split(kKey, 0, 1)).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(core.run(log->merge(kKey, 0, 2)).error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_EQ(core.run(log->split(kKey, 9, 1)).error().code, base::ErrorCode::kNotFound);
}

TEST_F(StreamLogTest, UniformScalingEndsWithEvenRanges) {
  make(2);
  for (const std::uint32_t target : {3U, 1U, 4U}) {
    const auto stream = *core.run(log->reshard(kKey, target));
    EXPECT_EQ(stream->info.open_shards(), target);
    for (const HashRange range : even_ranges(target))
      EXPECT_EQ(stream->info.owner_of(range.start).range, range);
  }
}

TEST_F(StreamLogTest, RetentionForgetsOldRecordsAndThenEmptyClosedShards) {
  const auto shard = make()->shard(0);
  put(*shard, "old");
  clock.advance(20h);
  put(*shard, "young");
  clock.advance(5h);
  ASSERT_TRUE(core.run(log->enforce_retention()).has_value());
  EXPECT_THAT(data_of(*shard), testing::ElementsAre("young"));
  ASSERT_TRUE(core.run(log->split(kKey, 0, static_cast<HashKey>(1) << 127U)).has_value());
  clock.advance(30h);
  ASSERT_TRUE(core.run(log->enforce_retention()).has_value());
  EXPECT_EQ(log->find(kKey)->info.find_shard(0), nullptr);
}

TEST_F(StreamLogTest, AnEmptiedShardGoesOnWhereItWas) {
  const auto shard = make()->shard(0);
  put(*shard, "a");
  clock.advance(25h);
  ASSERT_TRUE(core.run(log->enforce_retention()).has_value());
  reopen();
  const auto again = log->find(kKey)->shard(0);
  const auto appended = core.run(again->append({{"k", "b"}}));
  EXPECT_EQ(appended->first, 2U);
}

TEST_F(StreamLogTest, FindsTheFirstRecordAtATime) {
  const auto shard = make()->shard(0);
  const auto start = clock.now();
  for (int i = 0; i < 10; ++i) {
    put(*shard, "x");
    clock.advance(1s);
  }
  EXPECT_EQ(core.run(shard->find_time(start)), Position(1));
  EXPECT_EQ(core.run(shard->find_time(start + 1ms)), Position(2));
  EXPECT_EQ(core.run(shard->find_time(start + 1h)), Position(11));
}

TEST_F(StreamLogTest, TheTailWakesOnCommit) {
  const auto shard = make()->shard(0);
  const auto seen = shard->tail().version();
  put(*shard, "x");
  EXPECT_TRUE(core.run(shard->tail().wait_past(seen, core.now())));
}

TEST_F(StreamLogTest, RemovingForgetsEverything) {
  put(*make()->shard(0), "x");
  ASSERT_TRUE(core.run(log->remove(kKey)).has_value());
  EXPECT_EQ(log->find(kKey), nullptr);
  EXPECT_THAT(data_of(*make()->shard(0)), testing::IsEmpty());
}

}  // namespace
}  // namespace streamlog
