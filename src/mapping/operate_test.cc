#include "mapping/test_mapping.h"

namespace mapping {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OperateTest : public MappingTest {
 protected:
  Inspection inspect() { return *core.run(mappings->inspect("m")); }
  ShardStatus shard() { return inspect().shards.front(); }
  void fail_on(std::string poison) {
    function = [poison](const auto& data) {
      for (const auto& each : data)
        if (each == poison) return failed();
      return InvokeResult{};
    };
  }
  std::vector<std::string> done() {
    std::vector<std::string> all;
    for (const auto& call : calls)
      if (function(call).kind == InvokeResult::Kind::kSuccess)
        all.insert(all.end(), call.begin(), call.end());
    return all;
  }
};

TEST_F(OperateTest, SaysHowFarItIsAndWhatItTriesAgain) {
  fail_on("poison");
  put({"a", "b", "poison", "c", "d"});
  start(config());
  core.run_for(10s);
  const ShardStatus seen = shard();
  EXPECT_EQ(seen.state, ShardStatus::State::kReading);
  EXPECT_EQ(seen.position, 3U);
  EXPECT_EQ(seen.lag_records, 3U);
  EXPECT_GE(seen.lag, 10s);
  ASSERT_EQ(seen.blocked.size(), 1U);
  EXPECT_EQ(seen.blocked[0].records.size(), 2U);
  EXPECT_FALSE(seen.blocked[0].alone);
  EXPECT_GT(seen.blocked[0].attempts, 2);
  EXPECT_EQ(seen.blocked[0].reason, "boom");
}

TEST_F(OperateTest, FindsTheRecordThatBlocksAndLeavesOnlyThatBehind) {
  fail_on("poison");
  auto made = config();
  made.batch_size = 4;
  put({"a", "b", "poison", "c", "d"});
  start(made);
  core.run_for(5s);
  EXPECT_FALSE(core.run(mappings->skip({.id = "m", .shard = "s0", .sequence = "49003"})));
  ASSERT_TRUE(core.run(mappings->isolate("m", "s0")));
  core.run_for(1s);
  ASSERT_EQ(shard().blocked.size(), 1U);
  EXPECT_TRUE(shard().blocked[0].alone);
  EXPECT_EQ(shard().blocked[0].records[0].sequence_number, "49003");
  EXPECT_THAT(core.run(mappings->blocked("m", "s0", "49003"))->second,
              HasSubstr("SkippedByOperator"));
  ASSERT_TRUE(core.run(mappings->skip({.id = "m", .shard = "s0", .sequence = "49003"})));
  core.run_for(1s);
  EXPECT_THAT(done(), ElementsAre("a", "b", "c", "d"));
  EXPECT_TRUE(shard().blocked.empty());
  EXPECT_EQ(shard().lag_records, 0U);
}

TEST_F(OperateTest, WhatTheDestinationRefusesIsNotSkipped) {
  fail_on("poison");
  auto made = config();
  made.batch_size = 1;
  put({"poison", "a"});
  start(made);
  core.run_for(5s);
  const SkipRequest request{
      .id = "m", .shard = "s0", .sequence = "49001", .destination_arn = "arn:aws:s3:::b"};
  undeliverable = 1;
  const auto refused = core.run(mappings->skip(request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "no");
  EXPECT_EQ(checkpoint().lowest(), 1U);
  core.run_for(1min);
  ASSERT_TRUE(core.run(mappings->skip(request)));
  core.run_for(1s);
  EXPECT_THAT(done(), ElementsAre("a"));
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_THAT(documents[0], HasSubstr("SkippedByOperator"));
}

TEST_F(OperateTest, WithItemFailuresTheFirstOneNamedIsTheOneThatBlocks) {
  bool blocked = true;
  function = [&](const auto& data) {
    if (!blocked || data.front() != "poison") return InvokeResult{};
    return InvokeResult{.payload = R"({"batchItemFailures":[{"itemIdentifier":"49001"}]})"};
  };
  auto made = config();
  made.report_item_failures = true;
  put({"poison", "a"});
  start(made);
  core.run_for(5s);
  ASSERT_TRUE(shard().blocked[0].alone);
  ASSERT_TRUE(core.run(mappings->skip({.id = "m", .shard = "s0", .sequence = "49001"})));
  core.run_for(1s);
  EXPECT_THAT(calls.back(), ElementsAre("a"));
}

TEST_F(OperateTest, RewindsToTheBeginningATimeAndARecord) {
  put({"a", "b"});
  clock.advance(1min);
  const base::Timestamp later = clock.now();
  put({"c", "d"});
  start(config());
  core.run_for(1s);
  calls.clear();
  ASSERT_TRUE(core.run(mappings->rewind("m", "", {.kind = Place::Kind::kTime, .time = later})));
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("c", "d")));
  calls.clear();
  ASSERT_TRUE(
      core.run(mappings->rewind("m", "s0", {.kind = Place::Kind::kSequence, .sequence = "49002"})));
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("b", "c"), ElementsAre("d")));
  calls.clear();
  ASSERT_TRUE(core.run(mappings->rewind("m", "", {})));
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d")));
  EXPECT_FALSE(
      core.run(mappings->rewind("m", "", {.kind = Place::Kind::kSequence, .sequence = "59002"})));
}

TEST_F(OperateTest, ARewoundParentIsDoneBeforeItsChildAgain) {
  put({"a"}, "p");
  stream.shards["p"].closed = true;
  put({"b"}, "c");
  stream.shards["c"].parents = {"p"};
  start(config());
  core.run_for(1s);
  EXPECT_EQ(inspect().shards[1].state, ShardStatus::State::kDone);
  calls.clear();
  ASSERT_TRUE(core.run(mappings->rewind("m", "", {})));
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a"), ElementsAre("b")));
}

TEST_F(OperateTest, ReplaysARangeAndStaysWhereItIs) {
  put({"a", "b", "c", "d"});
  start(config());
  core.run_for(1s);
  calls.clear();
  ReplayRequest request{.id = "m",
                        .shard = "s0",
                        .from = 2,
                        .until = 4,
                        .records_max = 1,
                        .function_arn = "arn:other"};
  const auto first = *core.run(mappings->replay(request));
  EXPECT_EQ(first.records, 1U);
  EXPECT_FALSE(first.finished);
  request.from = first.next;
  const auto second = *core.run(mappings->replay(request));
  EXPECT_TRUE(second.finished);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("b"), ElementsAre("c")));
  EXPECT_EQ(checkpoint().lowest(), 5U);
}

}  // namespace
}  // namespace mapping
