#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "async/manual_core.h"
#include "async/signal.h"
#include "base/encoding.h"
#include "mapping/mappings.h"
#include "store/memory_store.h"

namespace mapping {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

// A stream in memory: shards by name, records by position.
struct FakeStream {
  struct Shard {
    std::vector<std::string> parents;
    std::vector<SourceRecord> records;
    bool closed = false;
    Position trimmed = 1;
  };
  std::map<std::string, Shard> shards;
  async::Signal changed;

  void put(const std::string& shard, std::string data, base::Timestamp at) {
    auto& records = shards[shard].records;
    const Position position = records.size() + 1;
    records.push_back({.position = position,
                       .sequence_number = "4900" + std::to_string(position),
                       .partition_key = "k",
                       .data = std::move(data),
                       .arrival = at});
    changed.notify();
  }
};

class FakeSource final : public RecordSource {
 public:
  explicit FakeSource(FakeStream& stream) : stream_(stream) {}
  async::Task<base::Result<std::vector<SourceShard>>> shards() override {
    std::vector<SourceShard> all;
    for (const auto& [id, shard] : stream_.shards) all.push_back({id, shard.parents});
    co_return all;
  }
  async::Task<base::Result<SourcePage>> read(std::string shard, Position from, std::size_t limit,
                                             std::size_t) override {
    const auto& held = stream_.shards.at(shard);
    SourcePage page;
    from = std::max(from, held.trimmed);
    for (const SourceRecord& record : held.records)
      if (record.position >= from && page.records.size() < limit) page.records.push_back(record);
    const Position next = page.records.empty() ? from : page.records.back().position + 1;
    page.finished = held.closed && next > held.records.size();
    co_return page;
  }
  async::Task<void> wait(std::string, Position, base::SteadyTime deadline,
                         std::stop_token stop) override {
    co_await stream_.changed.wait_past(stream_.changed.version(), deadline, stop);
  }
  async::Task<void> wait_for_shards(base::SteadyTime deadline, std::stop_token stop) override {
    co_await stream_.changed.wait_past(stream_.changed.version(), deadline, stop);
  }
  async::Task<base::Result<Position>> start(std::string shard, StartingPosition where,
                                            base::Timestamp time) override {
    const auto& held = stream_.shards.at(shard);
    if (where == StartingPosition::kTrimHorizon) co_return held.trimmed;
    if (where == StartingPosition::kLatest) co_return held.records.size() + 1;
    for (const SourceRecord& record : held.records)
      if (record.arrival >= time) co_return record.position;
    co_return held.records.size() + 1;
  }

 private:
  FakeStream& stream_;
};

class MappingTest : public testing::Test, public SourceOpener, public Invoker, public FailureSink {
 protected:
  base::Result<std::unique_ptr<RecordSource>> open(const std::string&,
                                                   const std::string&) override {
    return std::make_unique<FakeSource>(stream);
  }
  async::Task<InvokeResult> invoke(std::string, std::string payload) override {
    std::vector<std::string> data;
    const auto event = boost::json::parse(payload);
    for (const auto& record : event.at("Records").as_array())
      data.push_back(*base::from_base64(record.at("kinesis").at("data").as_string()));
    calls.push_back(data);
    if (function) co_return function(data);
    co_return InvokeResult{};
  }
  std::string role_arn(const std::string&) override { return "arn:aws:iam::0:role/r"; }
  async::Task<base::Status> deliver(std::string, std::string, std::string document) override {
    documents.push_back(std::move(document));
    co_return base::Status();
  }

  static InvokeResult failed() {
    return {.kind = InvokeResult::Kind::kFunctionError, .reason = "boom"};
  }
  Config config() {
    Config made;
    made.id = "m";
    made.function_arn = "arn:f";
    made.event_source_arn = "arn:s";
    made.batch_size = 2;
    return made;
  }
  void start(Config made) {
    mappings = std::make_unique<Mappings>(store, core, *this, *this, *this, clock, random);
    ASSERT_TRUE(core.run(mappings->open()).has_value());
    mappings->start();
    if (!made.id.empty()) {
      ASSERT_TRUE(core.run(mappings->create(made)).has_value());
    }
  }
  void restart() {
    core.run(mappings->stop());
    start(Config{});
  }
  void put(std::initializer_list<const char*> data, const std::string& shard = "s0") {
    for (const char* text : data) stream.put(shard, text, clock.now());
  }
  void TearDown() override {
    if (mappings) core.run(mappings->stop());
  }

  base::ManualClock clock;
  base::SeededRandom random{3};
  async::ManualCore core{clock};
  store::MemoryStore store;
  FakeStream stream;
  std::function<InvokeResult(const std::vector<std::string>&)> function;
  std::vector<std::vector<std::string>> calls;
  std::vector<std::string> documents;
  std::unique_ptr<Mappings> mappings;
};

TEST_F(MappingTest, BatchesGoInOrderUpToTheBatchSize) {
  put({"a", "b", "c"});
  start(config());
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a", "b"), ElementsAre("c")));
}

TEST_F(MappingTest, ACommitWakesAnIdleMappingAtOnce) {
  put({});
  stream.shards["s0"];
  start(config());
  core.run_for(10s);
  put({"a"});
  core.run_ready();
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a")));
}

TEST_F(MappingTest, AFailedBatchBlocksItsShardUntilItSucceeds) {
  int failures = 3;
  function = [&](const auto&) { return failures-- > 0 ? failed() : InvokeResult{}; };
  put({"a", "b", "c"});
  start(config());
  core.run_for(1min);
  ASSERT_EQ(calls.size(), 5U);
  EXPECT_THAT(calls[3], ElementsAre("a", "b"));
  EXPECT_THAT(calls[4], ElementsAre("c"));
}

TEST_F(MappingTest, AfterARestartItGoesOnAtTheCheckpoint) {
  put({"a", "b", "c"});
  start(config());
  core.run_for(1s);
  restart();
  put({"d"});
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a", "b"), ElementsAre("c"), ElementsAre("d")));
}

TEST_F(MappingTest, LatestSkipsWhatWasThereAndMeansTheSameAfterARestart) {
  put({"old"});
  auto made = config();
  made.starting_position = StartingPosition::kLatest;
  start(made);
  core.run_for(1s);
  core.run(mappings->stop());
  put({"while down"});
  start(Config{});
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("while down")));
}

TEST_F(MappingTest, AWindowGathersRecordsUntilItEnds) {
  stream.shards["s0"];
  auto made = config();
  made.batch_size = 10;
  made.window_seconds = 5;
  start(made);
  core.run_for(1s);
  put({"a"});
  core.run_for(1s);
  put({"b"});
  core.run_for(1s);
  EXPECT_TRUE(calls.empty());
  core.run_for(5s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a", "b")));
}

TEST_F(MappingTest, RetriesEndAndTheDestinationIsTold) {
  function = [](const auto& data) { return data[0] == "poison" ? failed() : InvokeResult{}; };
  auto made = config();
  made.batch_size = 1;
  made.retries_max = 2;
  made.on_failure_arn = "arn:d";
  put({"poison", "fine"});
  start(made);
  core.run_for(1min);
  EXPECT_EQ(calls.size(), 4U);
  EXPECT_THAT(calls.back(), ElementsAre("fine"));
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_THAT(documents[0], testing::HasSubstr("RetryAttemptsExhausted"));
}

TEST_F(MappingTest, BisectingFindsThePoisonRecord) {
  std::vector<std::string> succeeded;
  function = [&](const auto& data) {
    for (const auto& d : data)
      if (d == "poison") return failed();
    succeeded.insert(succeeded.end(), data.begin(), data.end());
    return InvokeResult{};
  };
  auto made = config();
  made.batch_size = 4;
  made.bisect_on_error = true;
  made.retries_max = 1;
  put({"a", "b", "poison", "c"});
  start(made);
  core.run_for(10min);
  EXPECT_THAT(succeeded, ElementsAre("a", "b", "c"));
}

TEST_F(MappingTest, ReportedItemFailuresAreTriedAgainFromThere) {
  bool first = true;
  function = [&](const auto&) {
    InvokeResult result;
    if (std::exchange(first, false))
      result.payload = R"({"batchItemFailures":[{"itemIdentifier":"49002"}]})";
    return result;
  };
  auto made = config();
  made.batch_size = 3;
  made.report_item_failures = true;
  put({"a", "b", "c"});
  start(made);
  core.run_for(1min);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a", "b", "c"), ElementsAre("b", "c")));
}

TEST_F(MappingTest, ChildrenWaitForTheirParents) {
  stream.shards["s0"].closed = true;
  stream.shards["s1"].parents = {"s0"};
  int failures = 2;
  function = [&](const auto&) { return failures-- > 0 ? failed() : InvokeResult{}; };
  put({"parent"}, "s0");
  put({"child"}, "s1");
  start(config());
  core.run_for(1min);
  EXPECT_THAT(calls.back(), ElementsAre("child"));
  EXPECT_THAT(calls.front(), ElementsAre("parent"));
}

TEST_F(MappingTest, RecordsThatExpiredWhileBlockedAreLeftBehind) {
  function = [](const auto& data) { return data[0] == "a" ? failed() : InvokeResult{}; };
  auto made = config();
  made.batch_size = 1;
  put({"a", "b"});
  start(made);
  core.run_for(1s);
  stream.shards["s0"].trimmed = 2;
  core.run_for(2min);
  EXPECT_THAT(calls.back(), ElementsAre("b"));
}

TEST_F(MappingTest, DisabledMappingsRestAndGoOnWhereTheyWere) {
  put({"a", "b"});
  start(config());
  core.run_for(1s);
  const auto disable = [](Config& c) -> base::Status {
    c.enabled = false;
    return {};
  };
  EXPECT_EQ(core.run(mappings->update("m", disable))->state, State::kDisabled);
  put({"c"});
  core.run_for(1min);
  EXPECT_EQ(calls.size(), 1U);
  const auto enable = [](Config& c) -> base::Status {
    c.enabled = true;
    return {};
  };
  EXPECT_EQ(core.run(mappings->update("m", enable))->state, State::kEnabled);
  core.run_for(1s);
  EXPECT_THAT(calls.back(), ElementsAre("c"));
}

TEST_F(MappingTest, RemovingEndsTheWorkAndForgetsTheCheckpoints) {
  put({"a"});
  start(config());
  core.run_for(1s);
  ASSERT_TRUE(core.run(mappings->remove("m")).has_value());
  put({"b"});
  core.run_for(1min);
  EXPECT_EQ(calls.size(), 1U);
  EXPECT_FALSE(core.run(store.get(checkpoint_key("m", "s0")))->has_value());
  EXPECT_EQ(core.run(mappings->get("m")).error().code, base::ErrorCode::kNotFound);
}

TEST(Event, TellsUnreadableAnswersFromSuccess) {
  const std::vector<SourceRecord> records(1, {.sequence_number = "1"});
  EXPECT_EQ(first_failure("null", records), std::nullopt);
  EXPECT_EQ(first_failure("{}", records), std::nullopt);
  EXPECT_EQ(first_failure(R"({"batchItemFailures":[]})", records), std::nullopt);
  EXPECT_EQ(first_failure(R"("text")", records), 0U);
  EXPECT_EQ(first_failure("{", records), 0U);
  EXPECT_EQ(first_failure(R"({"batchItemFailures":[{"itemIdentifier":"9"}]})", records), 0U);
}

}  // namespace
}  // namespace mapping
