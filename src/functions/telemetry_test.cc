#include "functions/telemetry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/manual_core.h"

namespace functions {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class TelemetryTest : public testing::Test {
 protected:
  static async::Task<bool> take(TelemetryTest& test, std::string body) {
    test.bodies.push_back(std::move(body));
    co_return test.takes;
  }
  wire::HttpResponse subscribe(const std::string& body, std::string_view path = kTelemetryApiPath) {
    wire::HttpRequest request;
    request.method = "PUT";
    request.path = path;
    request.body = body;
    return telemetry.subscribe("me", request);
  }
  static std::string asking(const std::string& types, const std::string& buffering = "{}",
                            const std::string& uri = "http://sandbox.localdomain:8080/in") {
    return R"({"types":[)" + types + R"(],"buffering":)" + buffering +
           R"(,"destination":{"protocol":"HTTP","URI":")" + uri + R"("}})";
  }
  void TearDown() override { core.run(telemetry.close()); }

  base::ManualClock clock;
  async::ManualCore core{clock};
  std::vector<std::string> bodies;
  bool takes = true;
  Telemetry telemetry{
      core, clock, 1,
      [this](std::size_t, std::uint16_t port, std::string target, std::string body) {
        EXPECT_EQ(port, 8080);
        EXPECT_EQ(target, "/in");
        return take(*this, std::move(body));
      }};
};

TEST_F(TelemetryTest, SendsABatchOnceItIsOldEnough) {
  EXPECT_EQ(subscribe(asking(R"("function")", R"({"timeoutMs":100})")).status, 200);
  telemetry.line("function", "a\n");
  telemetry.line("extension", "not asked for");
  core.run_for(50ms);
  telemetry.line("function", "b");
  EXPECT_TRUE(bodies.empty());
  core.run_for(60ms);
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_EQ(bodies[0], R"([{"time":"2027-01-15T08:00:00.000Z","type":"function","record":"a\n"},)"
                       R"({"time":"2027-01-15T08:00:00.050Z","type":"function","record":"b"}])");
}

TEST_F(TelemetryTest, SendsABatchOnceItIsLargeEnough) {
  subscribe(asking(R"("function")"));
  for (int i = 0; i < 3; ++i) telemetry.line("function", std::string(100'000, 'x'));
  core.run_for(1ms);
  EXPECT_EQ(bodies.size(), 1U);
}

TEST_F(TelemetryTest, TellsWhatWasBeforeTheSubscriptionToo) {
  telemetry.platform("platform.initStart", "{}");
  subscribe(asking(R"("platform")"));
  core.run_for(2s);
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_THAT(bodies[0], HasSubstr("platform.initStart"));
  EXPECT_THAT(bodies[0], HasSubstr(R"("record":{"name":"me","state":"Subscribed")"));
}

TEST_F(TelemetryTest, TheOlderApiHasItsOwnEvents) {
  subscribe(asking(R"("platform")"), kLogsApiPath);
  for (const auto type : {"platform.initReport", "platform.end", "platform.report"})
    telemetry.platform(type, "{}");
  core.run_for(2s);
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_THAT(bodies[0], Not(HasSubstr("initReport")));
  EXPECT_THAT(bodies[0], HasSubstr("platform.end"));
}

TEST_F(TelemetryTest, TriesAgainAndDropsWhatDoesNotFit) {
  subscribe(asking(R"("function")", R"({"timeoutMs":100})"));
  takes = false;
  telemetry.line("function", "first");
  for (int i = 0; i < 60; ++i) telemetry.line("function", std::string(100'000, 'x'));
  core.run_for(1s);
  EXPECT_GT(bodies.size(), 3U);
  EXPECT_THAT(bodies.back(), HasSubstr("first"));
  bodies.clear();
  takes = true;
  core.run_for(30s);
  std::string all;
  for (const std::string& body : bodies) all += body;
  EXPECT_THAT(all, HasSubstr(R"("droppedRecords":)"));
  EXPECT_LT(all.size(), kTelemetryQueueBytesMax + 10'000);
}

TEST_F(TelemetryTest, SendsNothingWhileItsProcessesStandStill) {
  subscribe(asking(R"("function")"));
  telemetry.pause(true);
  telemetry.line("function", "a");
  core.run_for(60s);
  EXPECT_TRUE(bodies.empty());
  telemetry.pause(false);
  core.run_for(1ms);
  EXPECT_EQ(bodies.size(), 1U);
  telemetry.line("function", "b");
  telemetry.hurry();
  core.run_for(1ms);
  EXPECT_EQ(bodies.size(), 2U);
}

TEST_F(TelemetryTest, RefusesWhatItCannotDo) {
  EXPECT_EQ(subscribe("no").status, 400);
  EXPECT_EQ(subscribe(asking("")).status, 400);
  EXPECT_EQ(subscribe(asking(R"("all")")).status, 400);
  EXPECT_EQ(subscribe(asking(R"("function")", R"({"maxItems":1})")).status, 400);
  EXPECT_EQ(subscribe(asking(R"("function")", "{}", "http://example.com/")).status, 400);
  EXPECT_EQ(subscribe(asking(R"("function")", "{}", "tcp://sandbox:1")).status, 400);
  telemetry.close_subscriptions();
  EXPECT_EQ(subscribe(asking(R"("function")")).status, 403);
  EXPECT_FALSE(telemetry.wanted());
}

}  // namespace
}  // namespace functions
