#include "sdk/dynamodb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdk/fakes.h"

namespace sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Response answer(int status, std::string body) {
  return {.status = status, .headers = {}, .body = std::move(body)};
}

Response refusal(const std::string& name, int status = 400) {
  return answer(status,
                R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + name + R"(","message":"m"})");
}

class DynamoDbTest : public ::testing::Test {
 protected:
  DynamoDbTest()
      : transport(new FakeTransport),
        client(std::unique_ptr<HttpTransport>(transport),
               {.region = "r", .host_header = "h", .credentials = {"a", "s", ""}, .backoff = {}},
               clock, random) {}

  Result<std::string> call(std::int64_t within_ms = 60'000) {
    return client.call("GetItem", "{}", clock.after_ms(within_ms));
  }

  FakeClock clock;
  FakeRandom random;
  FakeTransport* transport;  // owned by client
  DynamoDb client;
};

TEST_F(DynamoDbTest, GivesTheAnswersBody) {
  transport->answers.push_back(answer(200, "{\"Item\":{}}"));
  EXPECT_EQ(call(), "{\"Item\":{}}");
  EXPECT_THAT(clock.slept, SizeIs(0));
}

TEST_F(DynamoDbTest, RetriesWithDoublingPausesWhatMayPass) {
  transport->answers.push_back(refusal("ThrottlingException"));
  transport->answers.push_back(refusal("ProvisionedThroughputExceededException"));
  transport->answers.push_back(answer(503, "busy"));
  transport->answers.push_back(failure(Fault::kConnection, "ConnectionError", "x"));
  transport->answers.push_back(failure(Fault::kTimeout, "Timeout", "x"));
  transport->answers.push_back(answer(200, "ok"));
  EXPECT_EQ(call(), "ok");
  EXPECT_THAT(clock.slept, ElementsAre(50, 100, 200, 400, 800));
}

TEST_F(DynamoDbTest, DoesNotRetryARefusal) {
  transport->answers.push_back(refusal("AccessDeniedException"));
  const auto result = call();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().type, "AccessDeniedException");
  EXPECT_EQ(result.error().message, "m");
  EXPECT_THAT(transport->requests, SizeIs(1));
}

TEST_F(DynamoDbTest, DoesNotRetryACertificateThatIsNotAccepted) {
  transport->answers.push_back(failure(Fault::kConnection, "CertificateError", "x"));
  EXPECT_FALSE(call());
  EXPECT_THAT(transport->requests, SizeIs(1));
}

TEST_F(DynamoDbTest, GivesUpBeforeTheDeadlineWithTheLastError) {
  for (int i = 0; i < 20; ++i) transport->answers.push_back(refusal("ThrottlingException"));
  const Deadline deadline = clock.after_ms(500);
  const auto result = call(500);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().type, "ThrottlingException");
  EXPECT_THAT(result.error().message, HasSubstr("attempts: 4"));
  EXPECT_LT(clock.now, deadline.unix_ms);
}

TEST_F(DynamoDbTest, GivesUpAfterTenAttempts) {
  for (int i = 0; i < 20; ++i) transport->answers.push_back(refusal("ThrottlingException"));
  EXPECT_FALSE(call(3'600'000));
  EXPECT_THAT(transport->requests, SizeIs(10));
}

TEST_F(DynamoDbTest, GivesOneAttemptNoMoreThanItsShareOfTheTime) {
  transport->answers.push_back(answer(200, ""));
  transport->answers.push_back(answer(200, ""));
  const std::int64_t now = clock.now;
  EXPECT_TRUE(call(60'000));
  EXPECT_TRUE(call(1'000));
  EXPECT_THAT(transport->deadlines, ElementsAre(Deadline{now + 5'000}, Deadline{now + 1'000}));
}

TEST_F(DynamoDbTest, RetriesAnAnswerWhoseChecksumIsWrong) {
  Response damaged = answer(200, "123456788");
  damaged.headers.push_back({"x-amz-crc32", "3421780262"});
  Response whole = answer(200, "123456789");
  whole.headers = damaged.headers;
  transport->answers.push_back(damaged);
  transport->answers.push_back(whole);
  EXPECT_EQ(call(), "123456789");
}

TEST_F(DynamoDbTest, SignsEveryAttemptAnew) {
  transport->answers.push_back(answer(500, ""));
  transport->answers.push_back(answer(200, ""));
  clock.now += 990;
  EXPECT_TRUE(call());
  ASSERT_THAT(transport->requests, SizeIs(2));
  EXPECT_EQ(transport->requests[0].headers[2].value, "20150830T123600Z");
  EXPECT_EQ(transport->requests[1].headers[2].value, "20150830T123601Z");
}

TEST(DynamoDbEndpoint, PrefersTheServicesOwnSetting) {
  EXPECT_EQ(dynamodb_endpoint(Environment(), "eu-west-1"),
            "https://dynamodb.eu-west-1.amazonaws.com");
  EXPECT_EQ(dynamodb_endpoint(Environment(), "cn-north-1"),
            "https://dynamodb.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(dynamodb_endpoint(Environment({{"AWS_ENDPOINT_URL", "http://a"}}), "r"), "http://a");
  EXPECT_EQ(dynamodb_endpoint(Environment({{"AWS_ENDPOINT_URL", "http://a"},
                                           {"AWS_ENDPOINT_URL_DYNAMODB", "http://b"}}),
                              "r"),
            "http://b");
}

}  // namespace
}  // namespace sdk
