#include "config_helper/helper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "sdk/fakes.h"

namespace config_helper {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class FakeAnswerer final : public Answerer {
 public:
  sdk::Result<void> put(const std::string& url, const std::string& body, sdk::Deadline) override {
    urls.push_back(url);
    bodies.push_back(boost::json::parse(body));
    return result;
  }
  sdk::Result<void> result;
  std::vector<std::string> urls;
  std::vector<boost::json::value> bodies;
};

boost::json::object request(std::string_view type) {
  return {{"RequestType", type},
          {"ResponseURL", "http://h/secret"},
          {"StackId", "stack"},
          {"RequestId", "request"},
          {"LogicalResourceId", "Logical"},
          {"ResourceProperties",
           boost::json::object{
               {"Environment", "demo"}, {"Key", "EventDataTable"}, {"Value", "table-1"}}}};
}

class HelperTest : public ::testing::Test {
 protected:
  sdk::Result<std::string> handle(const boost::json::object& payload) {
    const sdk::Deadline deadline = clock.after_ms(30'000);
    const sdk::Event event{boost::json::serialize(payload), "id", deadline, "", "", "", ""};
    return helper.handle(event, sdk::Context(clock, deadline));
  }
  const boost::json::value& answer() const { return answerer.bodies.back(); }

  sdk::FakeDynamoDb dynamodb;
  sdk::FakeClock clock;
  sdk::FakeLog log;
  FakeAnswerer answerer;
  Helper helper{dynamodb, answerer, log, "config"};
};

TEST_F(HelperTest, SetsTheAttributeAndAnswersSuccess) {
  dynamodb.answers = {"{}"};
  ASSERT_TRUE(handle(request("Create")));
  EXPECT_THAT(answerer.urls, ElementsAre("http://h/secret"));
  EXPECT_EQ(answer(), boost::json::parse(R"({
    "Status": "SUCCESS", "Reason": "", "PhysicalResourceId": "config/demo/EventDataTable",
    "StackId": "stack", "RequestId": "request", "LogicalResourceId": "Logical", "Data": {}})"));
  ASSERT_THAT(dynamodb.calls, SizeIs(1));
  EXPECT_EQ(dynamodb.calls[0].first, "UpdateItem");
  EXPECT_EQ(boost::json::parse(dynamodb.calls[0].second), boost::json::parse(R"({
    "TableName": "config", "Key": {"Environment": {"S": "demo"}},
    "UpdateExpression": "SET #key = :value",
    "ExpressionAttributeNames": {"#key": "EventDataTable"},
    "ExpressionAttributeValues": {":value": {"S": "table-1"}}})"));
}

TEST_F(HelperTest, RemovesTheAttributeUponDelete) {
  dynamodb.answers = {"{}"};
  auto payload = request("Delete");
  payload["PhysicalResourceId"] = "as it was";
  ASSERT_TRUE(handle(payload));
  EXPECT_EQ(answer().at("Status"), "SUCCESS");
  EXPECT_EQ(answer().at("PhysicalResourceId"), "as it was");
  EXPECT_THAT(dynamodb.calls[0].second, HasSubstr("REMOVE #key"));
  EXPECT_THAT(dynamodb.calls[0].second, Not(HasSubstr("ExpressionAttributeValues")));
}

TEST_F(HelperTest, FailsACreateThatTheTableRefused) {
  dynamodb.answers = {sdk::failure(sdk::Fault::kService, "AccessDeniedException", "not you")};
  ASSERT_TRUE(handle(request("Create")));
  EXPECT_EQ(answer().at("Status"), "FAILED");
  EXPECT_EQ(answer().at("Reason"), "AccessDeniedException: not you");
}

TEST_F(HelperTest, DoesNotHoldUpADeletion) {
  dynamodb.answers = {sdk::failure(sdk::Fault::kService, "ResourceNotFoundException", "gone")};
  ASSERT_TRUE(handle(request("Delete")));
  EXPECT_EQ(answer().at("Status"), "SUCCESS");
  EXPECT_THAT(log.lines, ElementsAre("Delete Logical SUCCESS: ResourceNotFoundException: gone"));
}

TEST_F(HelperTest, NamesAMissingProperty) {
  for (const char* name : {"Environment", "Key", "Value"}) {
    auto payload = request("Update");
    payload["ResourceProperties"].as_object().erase(name);
    ASSERT_TRUE(handle(payload));
    EXPECT_EQ(answer().at("Status"), "FAILED");
    EXPECT_THAT(std::string(answer().at("Reason").as_string()), HasSubstr(name));
  }
  EXPECT_THAT(dynamodb.calls, SizeIs(0));
}

TEST_F(HelperTest, IsAFunctionErrorIfTheAnswerCannotBeDelivered) {
  dynamodb.answers = {"{}"};
  answerer.result = sdk::failure(sdk::Fault::kService, "AnswerRefused", "403");
  EXPECT_FALSE(handle(request("Create")));
}

TEST_F(HelperTest, RefusesWhatCannotBeAnswered) {
  EXPECT_FALSE(handle({}));
  EXPECT_FALSE(handle(request("Remove")));
  auto payload = request("Create");
  payload.erase("ResponseURL");
  EXPECT_FALSE(handle(payload));
  EXPECT_THAT(answerer.urls, SizeIs(0));
}

TEST(ResponseJson, StaysUnderCloudFormationsLimit) {
  const Envelope envelope{"u", "s", "r", "l", "p", RequestType::kCreate};
  // Three bytes a character, so that the cut would fall inside one.
  std::string reason;
  for (int i = 0; i < 2000; ++i) reason += "\u3042";
  const std::string text = response_json(envelope, {false, reason, "p"});
  EXPECT_LT(text.size(), kResponseBytesMax);
  EXPECT_EQ(boost::json::parse(text).at("Reason").as_string().size(), 1023U);
}

}  // namespace
}  // namespace config_helper
