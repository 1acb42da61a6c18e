// Filters, lanes, windows and destinations of mappings.
#include "mapping/test_mapping.h"

namespace mapping {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

TEST_F(MappingTest, RecordsThatNoFilterMatchesAreSkipped) {
  auto made = config();
  made.filters = {R"({"data":{"kind":["a"]}})", R"({"partitionKey":["special"]})"};
  put_keyed({{"k", R"({"kind":"a"})"},
             {"k", R"({"kind":"b"})"},
             {"k", "not json"},
             {"special", "not json either"}});
  start(made);
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre(R"({"kind":"a"})", "not json either")));
  EXPECT_EQ(core.run(mappings->get("m"))->progress.filtered, 2U);
}

TEST_F(MappingTest, EventsAreCountedForWhoAsksForIt) {
  auto made = config();
  made.filters = {R"({"partitionKey":["k"]})"};
  made.retries_max = 1;
  made.counts_events = true;
  function = [](const auto& data) { return data[0] == "bad" ? failed() : InvokeResult{}; };
  put_keyed({{"k", "a"}, {"other", "b"}, {"k", "c"}, {"k", "bad"}});
  start(made);
  core.run_for(1min);
  EXPECT_EQ(counted_events,
            (EventCounts{.polled = 4, .filtered_out = 1, .invoked = 4, .failed = 2, .dropped = 1}));
  change([](Config& c) { c.on_failure_arn = "arn:aws:s3:::b"; });
  put_keyed({{"k", "bad"}});
  core.run_for(1min);
  EXPECT_EQ(counted_events.dropped, 1U);
  EXPECT_EQ(counted_events.delivered, 1U);
  change([](Config& c) { c.counts_events = false; });
  put_keyed({{"k", "d"}});
  core.run_for(1min);
  EXPECT_EQ(counted_events.polled, 5U);
}

TEST_F(MappingTest, ReportedItemFailuresAreCountedFromThere) {
  auto made = config();
  made.report_item_failures = true;
  made.counts_events = true;
  bool first = true;
  function = [&](const auto&) {
    InvokeResult result;
    if (std::exchange(first, false))
      result.payload = R"({"batchItemFailures":[{"itemIdentifier":"49002"}]})";
    return result;
  };
  put({"a", "b"});
  start(made);
  core.run_for(1min);
  EXPECT_EQ(counted_events, (EventCounts{.polled = 2, .invoked = 3, .failed = 1}));
}

TEST_F(MappingTest, TheCheckpointMovesPastSkippedRecords) {
  auto made = config();
  made.filters = {R"({"data":{"kind":["a"]}})"};
  for (int i = 0; i < 3000; ++i) put({R"({"kind":"b"})"});
  start(made);
  core.run_for(1s);
  EXPECT_GT(checkpoint().lowest(), 2500U);
  restart();
  EXPECT_EQ(checkpoint().lowest(), 3001U);
  put({R"({"kind":"a"})"});
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre(R"({"kind":"a"})")));
}

TEST_F(MappingTest, BatchesAreFilledWithWhatPasses) {
  auto made = config();
  made.filters = {R"({"data":{"n":[{"numeric":[">",0]}]}})"};
  put({R"({"n":0})", R"({"n":1})", R"({"n":0})", R"({"n":2})", R"({"n":3})", R"({"n":0})"});
  start(made);
  core.run_for(1s);
  EXPECT_THAT(calls,
              ElementsAre(ElementsAre(R"({"n":1})", R"({"n":2})"), ElementsAre(R"({"n":3})")));
}

TEST_F(MappingTest, LanesRunSideBySideAndKeepTheOrderOfEachKey) {
  auto made = config();
  made.batch_size = 1;
  made.parallel = 10;
  slow = [](const auto& data) { return data[0][0] == 'a' ? 10s : 0s; };
  ASSERT_NE(lane_of("a", 10), lane_of("b", 10));
  put_keyed({{"a", "a1"}, {"b", "b1"}, {"a", "a2"}, {"b", "b2"}});
  start(made);
  core.run_for(1s);
  EXPECT_THAT(finished, ElementsAre("b1", "b2"));
  EXPECT_EQ(checkpoint().lowest(), 1U);
  core.run_for(1min);
  EXPECT_THAT(finished, ElementsAre("b1", "b2", "a1", "a2"));
}

TEST_F(MappingTest, AKeyThatFailsBlocksItsLaneOnly) {
  auto made = config();
  made.parallel = 10;
  made.batch_size = 1;
  function = [](const auto& data) { return data[0] == "a1" ? failed() : InvokeResult{}; };
  put_keyed({{"a", "a1"}, {"b", "b1"}, {"a", "a2"}, {"b", "b2"}});
  start(made);
  core.run_for(1min);
  for (const auto& call : calls) EXPECT_NE(call[0], "a2");
  EXPECT_THAT(calls, testing::Contains(ElementsAre("b2")));
}

TEST_F(MappingTest, LanesGoOnWhereEachOfThemWas) {
  auto made = config();
  made.parallel = 10;
  made.batch_size = 1;
  bool broken = true;
  function = [&](const auto& data) {
    return broken && data[0][0] == 'a' ? failed() : InvokeResult{};
  };
  put_keyed({{"a", "a1"}, {"b", "b1"}, {"a", "a2"}, {"b", "b2"}});
  start(made);
  core.run_for(1min);
  calls.clear();
  broken = false;
  restart();
  core.run_for(1min);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a1"), ElementsAre("a2")));
}

TEST_F(MappingTest, ADifferentNumberOfLanesRepeatsNothing) {
  auto made = config();
  made.parallel = 10;
  made.batch_size = 1;
  bool broken = true;
  function = [&](const auto& data) {
    return broken && data[0][0] == 'a' ? failed() : InvokeResult{};
  };
  put_keyed({{"b", "b1"}, {"a", "a1"}, {"b", "b2"}, {"c", "c1"}});
  start(made);
  core.run_for(1min);
  for (const int lanes : {3, 1, 7}) {
    calls.clear();
    change([&](Config& c) { c.parallel = lanes; });
    core.run_for(1min);
    for (const auto& call : calls) EXPECT_THAT(call, ElementsAre("a1"));
  }
  broken = false;
  core.run_for(2min);
  calls.clear();
  put_keyed({{"b", "b3"}, {"a", "a2"}});
  core.run_for(1min);
  EXPECT_THAT(calls, UnorderedElementsAre(ElementsAre("b3"), ElementsAre("a2")));
  EXPECT_TRUE(checkpoint().earlier.empty());
}

TEST_F(MappingTest, ChildrenWaitForAllLanesOfTheirParents) {
  auto made = config();
  made.parallel = 10;
  made.batch_size = 1;
  slow = [](const auto& data) { return data[0] == "a1" ? 10s : 0s; };
  put_keyed({{"a", "a1"}, {"b", "b1"}});
  stream.shards["s0"].closed = true;
  stream.shards["s1"].parents = {"s0"};
  put({"child"}, "s1");
  start(made);
  core.run_for(1min);
  EXPECT_THAT(finished, ElementsAre("b1", "a1", "child"));
}

TEST_F(MappingTest, TheDestinationGetsTheEventItself) {
  function = [](const auto&) { return failed(); };
  auto made = config();
  made.retries_max = 1;
  made.on_failure_arn = "arn:aws:s3:::b";
  put({"poison"});
  start(made);
  core.run_for(1min);
  ASSERT_EQ(documents.size(), 1U);
  const auto document = boost::json::parse(documents[0]);
  EXPECT_EQ(document.at("requestContext").at("condition"), "RetryAttemptsExhausted");
  EXPECT_EQ(document.at("requestContext").at("approximateInvokeCount"), 2);
  EXPECT_EQ(document.at("responseContext").at("functionError"), "Unhandled");
  EXPECT_EQ(document.at("responseContext").at("executedVersion"), "$LATEST");
  EXPECT_EQ(document.at("KinesisBatchInfo").at("batchSize"), 1);
  const auto payload = boost::json::parse(document.at("payload").as_string());
  EXPECT_EQ(payload, events[0]);
}

TEST_F(MappingTest, WhatCannotBeReportedIsNotPassedOver) {
  function = [](const auto& data) { return data[0] == "poison" ? failed() : InvokeResult{}; };
  auto made = config();
  made.batch_size = 1;
  made.retries_max = 0;
  made.on_failure_arn = "arn:aws:s3:::b";
  undeliverable = 3;
  put({"poison", "next"});
  start(made);
  core.run_ready();
  EXPECT_EQ(core.run(mappings->get("m"))->progress.last_result,
            "PROBLEM: on-failure destination: no");
  core.run_for(1min);
  EXPECT_EQ(documents.size(), 1U);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("poison"), ElementsAre("next")));
}

TEST_F(MappingTest, RecordsThatAreTooOldAreNotTriedAtAll) {
  auto made = config();
  made.batch_size = 10;
  made.record_age_seconds_max = 60;
  made.on_failure_arn = "arn:aws:s3:::b";
  put({"old"});
  clock.advance(61s);
  put({"a", "b"});
  start(made);
  core.run_for(1s);
  EXPECT_THAT(calls, ElementsAre(ElementsAre("a", "b")));
  ASSERT_EQ(documents.size(), 1U);
  const auto document = boost::json::parse(documents[0]);
  EXPECT_EQ(document.at("requestContext").at("condition"), "RecordAgeExceeded");
  EXPECT_EQ(document.at("requestContext").at("approximateInvokeCount"), 1);
  EXPECT_FALSE(document.as_object().contains("responseContext"));
}

// A function that counts, as AWS's examples do.
class WindowTest : public MappingTest {
 protected:
  WindowTest() {
    function = [this](const auto& data) {
      const auto& event = events.back();
      std::int64_t sum = 0;
      if (const auto* known = event.at("state").as_object().if_contains("n"))
        sum = known->to_number<std::int64_t>();
      sum += static_cast<std::int64_t>(data.size());
      return InvokeResult{.payload = "{\"state\":{\"n\":" + std::to_string(sum) + "}}"};
    };
  }
  Config windows() {
    auto made = config();
    made.tumbling_seconds = 60;
    return made;
  }
  std::vector<std::string> seen() const {
    std::vector<std::string> all;
    for (const auto& event : events) {
      std::string one = std::to_string(event.at("Records").as_array().size()) + " " +
                        boost::json::serialize(event.at("state"));
      if (event.at("isFinalInvokeForWindow").as_bool()) one += " final";
      if (event.at("isWindowTerminatedEarly").as_bool()) one += " early";
      all.push_back(one);
    }
    return all;
  }
};

TEST_F(WindowTest, StateGoesFromCallToCallAndEndsWithTheWindow) {
  put({"a", "b", "c"});
  start(windows());
  core.run_for(2min);
  EXPECT_THAT(seen(), ElementsAre("2 {}", R"(1 {"n":2})", R"(0 {"n":3} final)"));
  put({"d"});
  core.run_for(2min);
  EXPECT_THAT(seen().back(), R"(0 {"n":1} final)");
  const auto& window = events[0].at("window");
  const auto start_time = base::parse_iso8601(std::string(window.at("start").as_string()));
  const auto end_time = base::parse_iso8601(std::string(window.at("end").as_string()));
  EXPECT_EQ(*end_time - *start_time, 60s);
  EXPECT_EQ(base::to_epoch_ms(*start_time) % 60'000, 0);
  EXPECT_EQ(events[0].at("shardId"), "s0");
}

TEST_F(WindowTest, ABatchDoesNotReachIntoTheNextWindow) {
  put({"a"});
  clock.advance(60s);
  put({"b"});
  start(windows());
  core.run_for(2min);
  EXPECT_THAT(seen(), ElementsAre("1 {}", R"(0 {"n":1} final)", "1 {}", R"(0 {"n":1} final)"));
}

TEST_F(WindowTest, StateSurvivesARestart) {
  put({"a", "b"});
  start(windows());
  core.run_ready();
  restart();
  put({"c"});
  core.run_for(2min);
  EXPECT_THAT(seen(), ElementsAre("2 {}", R"(1 {"n":2})", R"(0 {"n":3} final)"));
}

TEST_F(WindowTest, AnAnswerWithoutStateHasFailed) {
  int silent = 1;
  const auto counts = function;
  function = [&, counts](const auto& data) {
    return silent-- > 0 ? InvokeResult{.payload = "{}"} : counts(data);
  };
  put({"a"});
  start(windows());
  core.run_for(2min);
  EXPECT_THAT(seen(), ElementsAre("1 {}", "1 {}", R"(0 {"n":1} final)"));
}

TEST_F(WindowTest, TooMuchStateEndsTheWindowEarly) {
  const std::string large = "\"" + std::string(kWindowStateBytesMax, 'x') + "\"";
  function = [&](const auto&) { return InvokeResult{.payload = "{\"state\":" + large + "}"}; };
  put({"a"});
  start(windows());
  core.run_ready();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_TRUE(events[1].at("isFinalInvokeForWindow").as_bool());
  EXPECT_TRUE(events[1].at("isWindowTerminatedEarly").as_bool());
  put({"b"});
  core.run_ready();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[2].at("window"), events[0].at("window"));
  EXPECT_TRUE(events[2].at("state").as_object().empty());
}

TEST_F(WindowTest, TheEndOfAShardEndsItsWindow) {
  put({"a"});
  stream.shards["s0"].closed = true;
  start(windows());
  core.run_ready();
  EXPECT_THAT(seen(), ElementsAre("1 {}", R"(0 {"n":1} final)"));
}

TEST(CheckpointFormat, ReadsWhatVersionOneWrote) {
  std::string old;
  base::append_u64(old, 7);
  EXPECT_EQ(*decode_checkpoint(old), Checkpoint::at(7, 1));
  EXPECT_EQ(encode(Checkpoint::at(7, 1)), old);
}

TEST(CheckpointFormat, KeepsLanesAndWindows) {
  Checkpoint made{.lanes = {9, 12},
                  .earlier = {{7}, {8, 15, 3}},
                  .window = OpenWindow{.start = base::from_epoch_ms(60'000), .state = "[1]"}};
  EXPECT_EQ(*decode_checkpoint(encode(made)), made);
  EXPECT_FALSE(decode_checkpoint("{}"));
  EXPECT_FALSE(decode_checkpoint(R"({"version":2,"lanes":[],"earlier":[]})"));
  EXPECT_FALSE(decode_checkpoint("garbage"));
}

TEST(ConfigFormat, ReadsWhatVersionOneWrote) {
  const auto read = decode_config(
      R"({"version":1,"id":"i","account":"0","region":"r","function":"f","source":"s","start":0,
          "start_ms":0,"enabled":true,"batch_size":25,"window_seconds":0,"retries_max":-1,
          "record_age_seconds_max":-1,"bisect":false,"item_failures":false,"on_failure":"",
          "modified":1800000000000})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->parallel, 1);
  Config made = *read;
  made.parallel = 5;
  made.tumbling_seconds = 30;
  made.filters = {"{}"};
  made.counts_events = true;
  const auto again = decode_config(encode(made));
  EXPECT_EQ(again->parallel, 5);
  EXPECT_EQ(again->tumbling_seconds, 30);
  EXPECT_EQ(again->filters, made.filters);
  EXPECT_TRUE(again->counts_events);
}

}  // namespace
}  // namespace mapping
