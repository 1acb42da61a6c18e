#include "event_processor/processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/encoding.h"
#include "sdk/fakes.h"

namespace event_processor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::string_view kConfig =
    R"({"Item":{"Environment":{"S":"demo"},"EventDataTable":{"S":"table"}}})";

std::string event_of(std::initializer_list<std::string_view> payloads) {
  std::string records;
  for (const std::string_view payload : payloads) {
    records += std::string(records.empty() ? "" : ",") + R"({"eventID":"shard:)" +
               std::to_string(records.size()) + R"(","kinesis":{"data":")" +
               sdk::base64_encode(payload) + "\"}}";
  }
  return "{\"Records\":[" + records + "]}";
}

constexpr std::string_view kTweet =
    R"({"created_at":"Sun Aug 31 00:29:15 +0000 2014","user":{"name":"Ada"},"text":"hello"})";

class ProcessorTest : public ::testing::Test {
 protected:
  sdk::Result<std::string> handle(std::string payload) {
    const sdk::Deadline deadline = clock.after_ms(10'000);
    const sdk::Event event{std::move(payload), "id", deadline, "", "", "", ""};
    return processor.handle(event, sdk::Context(clock, deadline));
  }

  sdk::FakeDynamoDb dynamodb;
  sdk::FakeClock clock;
  sdk::FakeRandom random;
  sdk::FakeLog log;
  Processor processor{dynamodb, clock, random, log};
};

TEST_F(ProcessorTest, ReadsItsConfigurationOnceAndReportsEachBatch) {
  dynamodb.answers = {std::string(kConfig), "{}", "{}"};
  EXPECT_EQ(handle(event_of({kTweet})),
            R"({"records":1,"written":1,"replaced":0,"malformed":0,"calls":1,"retried":0,"ms":0})");
  EXPECT_TRUE(handle(event_of({kTweet, kTweet})));
  ASSERT_THAT(dynamodb.calls, SizeIs(3));
  EXPECT_EQ(dynamodb.calls[0].first, "GetItem");
  EXPECT_THAT(dynamodb.calls[0].second, HasSubstr("StreamProcessingRefArchConfig"));
  EXPECT_EQ(dynamodb.calls[2].first, "BatchWriteItem");
  EXPECT_THAT(log.lines,
              ElementsAre("batch records=1 written=1 replaced=0 malformed=0 calls=1 retried=0 ms=0",
                          StartsWith("batch records=2 written=1 replaced=1 malformed=0")));
}

TEST_F(ProcessorTest, PassesOverAMalformedRecordAndNamesIt) {
  dynamodb.answers = {std::string(kConfig), "{}"};
  EXPECT_TRUE(handle(event_of({"{}", kTweet})));
  EXPECT_THAT(log.lines,
              ElementsAre("malformed record eventID=shard:0 reason: user.name is missing or empty",
                          StartsWith("batch records=2 written=1 replaced=0 malformed=1")));
}

TEST_F(ProcessorTest, NeedsNoTableForAnEmptyBatch) {
  EXPECT_TRUE(handle(event_of({})));
  EXPECT_THAT(dynamodb.calls, SizeIs(0));
}

TEST_F(ProcessorTest, AsksAgainForAConfigurationThatWasMissing) {
  dynamodb.answers = {"{}", R"({"Item":{"EventDataTable":{"S":""}}})", std::string(kConfig), "{}"};
  for (int i = 0; i < 2; ++i) {
    const auto missing = handle(event_of({kTweet}));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().type, "ConfigurationMissing");
  }
  EXPECT_TRUE(handle(event_of({kTweet})));
}

TEST_F(ProcessorTest, ForgetsATableThatHasGone) {
  dynamodb.answers = {std::string(kConfig),
                      sdk::failure(sdk::Fault::kService, "ResourceNotFoundException", "m"),
                      std::string(kConfig), "{}"};
  EXPECT_FALSE(handle(event_of({kTweet})));
  EXPECT_TRUE(handle(event_of({kTweet})));
  EXPECT_THAT(dynamodb.calls, SizeIs(4));
}

TEST_F(ProcessorTest, RefusesWhatIsNoKinesisEvent) {
  for (const char* payload : {"", "[]", "{}", R"({"Records":{}})"}) {
    const auto refused = handle(payload);
    ASSERT_FALSE(refused) << payload;
    EXPECT_EQ(refused.error().type, "NotAKinesisEvent") << payload;
  }
}

}  // namespace
}  // namespace event_processor
