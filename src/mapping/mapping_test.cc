#include "mapping/test_mapping.h"

namespace mapping {
namespace {

using testing::ElementsAre;

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
