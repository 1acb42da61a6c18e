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
  EXPECT_EQ(SequenceNumber::parse("49" + text.substr(4)), std::nullopt);
  EXPECT_EQ(SequenceNumber::parse(text + "x"), std::nullopt);
}

TEST(SequenceNumber, RecognisesOlderVersions) {
  const auto oldest = SequenceNumber::parse("5");
  ASSERT_TRUE(oldest.has_value());
  EXPECT_EQ(oldest->version, SequenceVersion::kZero);
  EXPECT_EQ(oldest->shard_index, 5U);
  // 0x2...1, with zeros between: version 1.
  const auto one =
      SequenceNumber::parse("49039857307708443467467104868809893875799651909875269633");
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->version, SequenceVersion::kOne);
  EXPECT_EQ(one->shard_created_s, 0U);
}

TEST(SequenceNumber, RefusesDatesBeyondTheCalendar) {
  SequenceNumber late{.shard_created_s = 16'025'175'000, .position = 1};
  EXPECT_EQ(SequenceNumber::parse(late.to_string()), std::nullopt);
  late.shard_created_s -= 1;
  EXPECT_EQ(SequenceNumber::parse(late.to_string()), late);
  // 0x13bb2cc3d8 and zeros: the oldest form.
  EXPECT_EQ(SequenceNumber::parse("26227199374822427428162556223570313216"), std::nullopt);
}

TEST(ShardId, IsReadAsAwsReadsIt) {
  EXPECT_EQ(parse_shard_id("shardId-000000000003"), 3U);
  EXPECT_EQ(parse_shard_id("3"), 3U);
  EXPECT_EQ(parse_shard_id("any thing-0003-9"), 3U);
  EXPECT_EQ(parse_shard_id("-7"), 7U);
  for (const char* const bad :
       {"", "x", "shardId-", "2.14E4", "2147483648", "shardId-002147483648"})
    EXPECT_EQ(parse_shard_id(bad), std::nullopt) << bad;
  EXPECT_EQ(shard_id(0x8000'0000), "shardId--02147483648");
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

using Answers = std::vector<base::Result<Appended>>;

async::Task<void> append_to(Shard& shard, std::vector<NewRecord> records, Answers& answers) {
  auto answer = co_await shard.append(std::move(records));
  answers.push_back(std::move(answer));
}

TEST_F(StreamLogTest, AppendsThatAreReadyTogetherShareABatch) {
  const auto shard = make()->shard(0);
  const store::Sequence before = store.applied();
  Answers answers;
  async::spawn(core, append_to(*shard, {{"k", "a"}, {"k", "b"}}, answers));
  async::spawn(core, append_to(*shard, {{"k", "c"}}, answers));
  async::spawn(core, append_to(*shard, {{"k", "d"}}, answers));
  core.run_ready();
  EXPECT_EQ(store.applied(), before + 1);
  ASSERT_EQ(answers.size(), 3U);
  std::vector<Position> firsts;
  for (const auto& answer : answers) firsts.push_back(answer->first);
  EXPECT_THAT(firsts, testing::ElementsAre(1, 3, 4));
  EXPECT_THAT(data_of(*shard), testing::ElementsAre("a", "b", "c", "d"));
}

TEST_F(StreamLogTest, ALargeAppendTakesAlongWhoWasThereAndWaitsForNobody) {
  const auto shard = make()->shard(0);
  const store::Sequence before = store.applied();
  store.hold_syncs();
  Answers answers;
  async::spawn(core, append_to(*shard, {{"k", "small"}}, answers));
  async::spawn(core, append_to(*shard, {{"k", std::string(300'000, 'x')}}, answers));
  async::spawn(core, append_to(*shard, {{"k", "next"}}, answers));
  core.run_ready();
  EXPECT_EQ(store.applied(), before + 2);
  EXPECT_TRUE(answers.empty());
  store.release_syncs();
  core.run_ready();
  EXPECT_EQ(answers.size(), 3U);
  EXPECT_EQ(shard->end(), 4U);
}

TEST_F(StreamLogTest, ClosingTakesAlongWhatHasGathered) {
  const auto shard = make()->shard(0);
  Answers answers;
  async::spawn(core, append_to(*shard, {{"k", "last"}}, answers));
  EXPECT_EQ(core.run(shard->close()), Position{1});
  core.run_ready();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(answers[0].has_value());
  const auto late = core.run(shard->append({{"k", "late"}}));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, base::ErrorCode::kConflict);
  EXPECT_THAT(data_of(*shard), testing::ElementsAre("last"));
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
  EXPECT_EQ(core.run(log->merge(kKey, 1, 0)).error().code, base::ErrorCode::kInvalidArgument);
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

TEST_F(StreamLogTest, LimitsKeepRecordsOutAndLeaveNoGap) {
  log = std::make_unique<StreamLog>(
      store, core, [this](std::uint64_t) -> async::Core& { return core; }, clock, random,
      StreamLogOptions{.enforce_limits = true});
  const auto shard = make()->shard(0);
  const std::string large(600U << 10U, 'x');
  const auto appended =
      core.run(shard->append({{"k", "a"}, {"k", large}, {"k", large}, {"k", "b"}}));
  ASSERT_TRUE(appended.has_value());
  EXPECT_THAT(appended->taken, testing::ElementsAre(true, true, false, true));
  EXPECT_EQ(shard->end(), 4U);
  const auto refused = core.run(shard->append({{"k", large}}));
  EXPECT_FALSE(refused->has(0));
  EXPECT_THAT(data_of(*shard), testing::ElementsAre("a", large, "b"));
}

TEST_F(StreamLogTest, PoliciesAreParsedOnceAndKept) {
  constexpr std::string_view kPolicy =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kinesis:*","Resource":"*"}]})";
  make();
  const auto set = [kPolicy](StreamInfo& info) -> base::Status {
    info.resource_policy = kPolicy;
    info.warm_mib = 100;
    info.consumers.push_back({.name = "with", .resource_policy = std::string(kPolicy)});
    info.consumers.push_back({.name = "without"});
    return {};
  };
  ASSERT_TRUE(core.run(log->update(kKey, set)).has_value());
  const StreamInfo before = log->find(kKey)->info;
  reopen();
  const StreamPtr stream = log->find(kKey);
  EXPECT_EQ(stream->info, before);
  ASSERT_NE(stream->policy, nullptr);
  EXPECT_EQ(stream->policy->statements.size(), 1U);
  EXPECT_NE(stream->consumer_policy("with"), nullptr);
  EXPECT_EQ(stream->consumer_policy("without"), nullptr);
}

TEST_F(StreamLogTest, APolicyThatCannotBeReadIsRefused) {
  make();
  const auto set = [](StreamInfo& info) -> base::Status {
    info.resource_policy = "{";
    return {};
  };
  EXPECT_FALSE(core.run(log->update(kKey, set)).has_value());
  EXPECT_EQ(log->find(kKey)->info.resource_policy, "");
}

TEST_F(StreamLogTest, RemovingForgetsEverything) {
  put(*make()->shard(0), "x");
  ASSERT_TRUE(core.run(log->remove(kKey)).has_value());
  EXPECT_EQ(log->find(kKey), nullptr);
  EXPECT_THAT(data_of(*make()->shard(0)), testing::IsEmpty());
}

}  // namespace
}  // namespace streamlog
