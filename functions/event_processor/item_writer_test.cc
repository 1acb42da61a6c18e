#include "event_processor/item_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "event_processor/batch_write.h"
#include "sdk/fakes.h"

namespace event_processor {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<Item> items(int first, int end) {
  std::vector<Item> out;
  for (int i = first; i < end; ++i) out.push_back({"user" + std::to_string(i), "t", "m"});
  return out;
}

std::string all_written() { return R"({"UnprocessedItems":{}})"; }

// DynamoDB hands unprocessed items back in the shape in which they came.
std::string left_over(const std::vector<Item>& left) {
  auto request = boost::json::parse(batch_write_request("table", left));
  return boost::json::serialize(
      boost::json::object{{"UnprocessedItems", request.at("RequestItems")}});
}

class ItemWriterTest : public ::testing::Test {
 protected:
  sdk::Result<WriteReport> write(int count, std::int64_t within_ms = 10'000) {
    return writer.write("table", items(0, count), clock.after_ms(within_ms));
  }
  // How many items each call carried.
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> out;
    for (const auto& [operation, body] : dynamodb.calls) {
      out.push_back(boost::json::parse(body).at("RequestItems").at("table").as_array().size());
    }
    return out;
  }

  sdk::FakeDynamoDb dynamodb;
  sdk::FakeClock clock;
  sdk::FakeRandom random;
  ItemWriter writer{dynamodb, clock, random};
};

TEST_F(ItemWriterTest, WritesTwentyFiveARequest) {
  for (int i = 0; i < 4; ++i) dynamodb.answers.push_back(all_written());
  const auto report = write(76);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->written, 76U);
  EXPECT_EQ(report->calls, 4U);
  EXPECT_THAT(sizes(), ElementsAre(25, 25, 25, 1));
  EXPECT_THAT(clock.slept, SizeIs(0));
}

TEST_F(ItemWriterTest, MakesNoRequestForNothing) {
  EXPECT_TRUE(write(0));
  EXPECT_THAT(dynamodb.calls, SizeIs(0));
}

TEST_F(ItemWriterTest, FillsTheNextRequestUpWithWhatCameBack) {
  dynamodb.answers = {left_over(items(20, 25)), all_written()};
  const auto report = write(45);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->written, 45U);
  EXPECT_EQ(report->retried, 5U);
  EXPECT_THAT(sizes(), ElementsAre(25, 25));
  EXPECT_THAT(clock.slept, ElementsAre(50));
}

TEST_F(ItemWriterTest, PausesLongerWhileNothingIsWritten) {
  for (int i = 0; i < 3; ++i) dynamodb.answers.push_back(left_over(items(0, 3)));
  dynamodb.answers.push_back(left_over(items(1, 3)));
  dynamodb.answers.push_back(all_written());
  ASSERT_TRUE(write(3));
  EXPECT_THAT(clock.slept, ElementsAre(100, 200, 400, 50));
}

TEST_F(ItemWriterTest, FailsBeforeTheDeadlineIfItemsAreLeft) {
  for (int i = 0; i < 30; ++i) dynamodb.answers.push_back(left_over(items(0, 3)));
  const sdk::Deadline deadline = clock.after_ms(5000);
  const auto report = write(3, 5000);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().type, "ItemsNotWritten");
  EXPECT_LT(clock.now, deadline.unix_ms);
}

TEST_F(ItemWriterTest, PassesARefusalOn) {
  dynamodb.answers.push_back(sdk::failure(sdk::Fault::kService, "ValidationException", "m"));
  const auto report = write(3);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().type, "ValidationException");
}

TEST_F(ItemWriterTest, RefusesAnAnswerThatCannotBe) {
  for (const std::string& answer :
       {std::string("[]"), std::string("nonsense"), left_over(items(7, 8)),
        std::string(R"({"UnprocessedItems":{"table":[{"DeleteRequest":{}}]}})")}) {
    dynamodb.answers = {answer};
    const auto report = write(3);
    ASSERT_FALSE(report) << answer;
    EXPECT_EQ(report.error().fault, sdk::Fault::kProtocol) << answer;
  }
}

TEST(BatchWriteRequest, IsWhatDynamoDbTakes) {
  const std::vector<Item> two = {{"a\"\u00e9", "t", "m"}, {"b", "t", std::nullopt}};
  EXPECT_EQ(boost::json::parse(batch_write_request("table", two)), boost::json::parse(R"({
    "RequestItems": {"table": [
      {"PutRequest": {"Item": {"Username": {"S": "a\"é"}, "Timestamp": {"S": "t"},
                               "Message": {"S": "m"}}}},
      {"PutRequest": {"Item": {"Username": {"S": "b"}, "Timestamp": {"S": "t"}}}}]}})"));
}

}  // namespace
}  // namespace event_processor
