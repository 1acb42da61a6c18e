#include "wire/render_error.h"

#include <gtest/gtest.h>

#include "api/cloudwatch/operations.h"
#include "api/dynamodb/operations.h"
#include "api/iam/operations.h"
#include "api/kinesis/operations.h"
#include "api/lambda/operations.h"
#include "api/s3/operations.h"
#include "base/digest.h"
#include "base/encoding.h"

namespace wire {
namespace {

api::Error error_of(std::string code, int status, std::string message) {
  return {.code = std::move(code), .status = status, .message = std::move(message)};
}

TEST(RenderError, Json) {
  struct Case {
    const api::Service& service;
    const char* code;
    const char* message;
    const char* body;
  };
  for (const Case& c : {
           Case{api::kinesis::kService, "ResourceNotFoundException", "no \"s\"",
                R"({"__type":"ResourceNotFoundException","message":"no \"s\""})"},
           Case{api::kinesis::kService, "SerializationException", "",
                R"({"__type":"SerializationException"})"},
           Case{api::kinesis::kService, "SerializationException", "x",
                R"({"__type":"SerializationException","Message":"x"})"},
           Case{api::dynamodb::kService, "ResourceNotFoundException", "x",
                R"({"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",)"
                R"("message":"x"})"},
           Case{api::dynamodb::kService, "ValidationException", "x",
                R"({"__type":"com.amazon.coral.validate#ValidationException","message":"x"})"},
           Case{api::dynamodb::kService, "AccessDeniedException", "x",
                R"({"__type":"com.amazon.coral.service#AccessDeniedException","Message":"x"})"},
           Case{api::lambda::kService, "ResourceNotFoundException", "x",
                R"({"Type":"User","Message":"x"})"},
           Case{api::lambda::kService, "InvalidParameterValueException", "x",
                R"({"Type":"User","message":"x"})"},
           Case{api::lambda::kService, "ValidationException", "x", R"({"message":"x"})"},
           Case{api::lambda::kService, "AccessDeniedException", "x", R"({"Message":"x"})"},
       }) {
    const HttpResponse response =
        render_error(error_of(c.code, 400, c.message), c.service, {.request_id = "id"});
    EXPECT_EQ(response.body, c.body);
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(*response.find("x-amzn-requestid"), "id");
  }
}

TEST(RenderError, ContentTypesAndChecksums) {
  const auto error = error_of("X", 400, "m");
  const auto of = [&](const api::Service& service) {
    return render_error(error, service, {.request_id = "id"});
  };
  EXPECT_EQ(*of(api::kinesis::kService).find("content-type"), "application/x-amz-json-1.1");
  const HttpResponse dynamo = of(api::dynamodb::kService);
  EXPECT_EQ(*dynamo.find("content-type"), "application/x-amz-json-1.0");
  EXPECT_EQ(*dynamo.find("x-amz-crc32"), std::to_string(base::crc32(dynamo.body)));
  EXPECT_EQ(*of(api::lambda::kService).find("x-amzn-errortype"), "X");
  EXPECT_EQ(of(api::kinesis::kService).find("x-amz-crc32"), nullptr);
}

TEST(RenderError, DetailsOfATransaction) {
  namespace dynamodb = api::dynamodb;
  auto detail = std::make_shared<dynamodb::TransactionCanceledException>();
  detail->cancellation_reasons.emplace().emplace_back().code = "None";
  api::Error error = error_of("TransactionCanceledException", 400, "cancelled");
  error.detail = detail;
  error.detail_shape = &dynamodb::kTransactionCanceledExceptionShape;
  EXPECT_EQ(render_error(error, dynamodb::kService, {}).body,
            R"({"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",)"
            R"("CancellationReasons":[{"Code":"None"}],"Message":"cancelled"})");
}

TEST(RenderError, QueryAndS3) {
  EXPECT_EQ(
      render_error(error_of("NoSuchEntity", 404, "a<b"), api::iam::kService, {.request_id = "id"})
          .body,
      "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>"
      "<Type>Sender</Type><Code>NoSuchEntity</Code><Message>a&lt;b</Message></Error>"
      "<RequestId>id</RequestId></ErrorResponse>");
  api::Error error = error_of("NoSuchKey", 404, "The specified key does not exist.");
  error.members = {{"Key", "k"}};
  const ErrorFrame frame{.request_id = "id", .host_id = "host", .resource = "/b/k"};
  const HttpResponse response = render_error(error, api::s3::kService, frame);
  EXPECT_EQ(response.body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>"
            "<Message>The specified key does not exist.</Message><Key>k</Key>"
            "<Resource>/b/k</Resource><RequestId>id</RequestId><HostId>host</HostId></Error>");
  EXPECT_EQ(*response.find("x-amz-request-id"), "id");
  EXPECT_EQ(*response.find("x-amz-id-2"), "host");
  EXPECT_EQ(render_error(error, api::s3::kService, {.request_id = "id", .head = true}).body, "");
}

TEST(RenderError, Cbor) {
  const HttpResponse response =
      render_error(error_of("X", 400, "m"), api::kinesis::kService,
                   {.request_id = "id", .request_content_type = "application/x-amz-cbor-1.1"});
  EXPECT_EQ(base::hex(response.body), "a2665f5f747970656158676d657373616765616d");
  EXPECT_EQ(*response.find("content-type"), "application/x-amz-cbor-1.1");
}

TEST(RenderError, QueryServicesSpeakJsonAndCborToo) {
  const api::Error error = error_of("MissingParameter", 400, "none");
  const auto& service = api::cloudwatch::kService;
  const HttpResponse json = render_error(
      error, service, {.request_id = "r", .request_content_type = "application/x-amz-json-1.0"});
  EXPECT_EQ(json.body, R"({"__type":"MissingRequiredParameterException","message":"none"})");
  EXPECT_EQ(*json.find("x-amzn-query-error"), "MissingParameter;Sender");
  const HttpResponse cbor =
      render_error(error, service, {.request_id = "r", .request_content_type = "application/cbor"});
  EXPECT_EQ(*cbor.find("content-type"), "application/cbor");
  EXPECT_EQ(*cbor.find("smithy-protocol"), "rpc-v2-cbor");
  EXPECT_NE(cbor.body.find("MissingRequiredParameterException"), std::string::npos);
  const HttpResponse query = render_error(
      error, service,
      {.request_id = "r", .request_content_type = "application/x-www-form-urlencoded"});
  EXPECT_NE(query.body.find("<Code>MissingParameter</Code>"), std::string::npos);
  EXPECT_EQ(query.find("x-amzn-query-error"), nullptr);
}

}  // namespace
}  // namespace wire
