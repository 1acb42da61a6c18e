#include "wire/dynamo_front.h"

#include <gtest/gtest.h>

#include "wire/content_coding.h"

namespace wire {
namespace {

HttpRequest post(std::string type, std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  if (!type.empty()) request.headers.push_back({"content-type", std::move(type)});
  return request;
}

TEST(DynamoFront, SaysThatItIsHealthyToWhoeverGets) {
  HttpRequest request;
  request.method = "GET";
  request.path = "/";
  request.headers.push_back({"host", "dynamodb.us-east-1.amazonaws.com:80"});
  const auto answer = refuse_at_dynamo({request, false});
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "healthy: dynamodb.us-east-1.amazonaws.com ");
  request.headers.back().value = "localhost:4566";
  EXPECT_EQ(refuse_at_dynamo({request, false})->body, "healthy: localhost:4566 ");
  request.path = "/index.html";
  EXPECT_EQ(refuse_at_dynamo({request, false})->status, 404);
}

TEST(DynamoFront, RefusesOtherMethodsAndTypesAsNotThere) {
  HttpRequest put = post("application/json", "{}");
  put.method = "PUT";
  for (const HttpRequest& request : {put, post("", "hi"), post("application/x-amz-json-1.1", "{}"),
                                     post("application/jsonx", "{}")}) {
    const auto answer = refuse_at_dynamo({request, true});
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->status, 404);
    EXPECT_EQ(answer->body, "<UnknownOperationException/>\n");
  }
}

TEST(DynamoFront, NamesWhatItCannotReadOrDoesNotKnow) {
  const auto unreadable = refuse_at_dynamo({post(" application/json ;x", "hi"), false});
  EXPECT_EQ(unreadable->body, R"({"__type":"com.amazon.coral.service#SerializationException"})");
  const auto unknown = refuse_at_dynamo({post("application/x-amz-json-1.0", "{}"), false});
  EXPECT_EQ(unknown->body, R"({"__type":"com.amazon.coral.service#UnknownOperationException"})");
  EXPECT_EQ(*unknown->find("content-type"), "application/x-amz-json-1.0");
  EXPECT_FALSE(refuse_at_dynamo({post("application/json", "{}"), true}));
}

TEST(DynamoFront, RefusesBodiesAboveSixteenMebibytes) {
  const HttpRequest large = post("application/json", std::string(kDynamoBodyMax + 1, ' '));
  EXPECT_EQ(refuse_at_dynamo({large, true})->status, 413);
}

TEST(DynamoFront, RefusesHeadsAndTargetsAboveSixteenKibibytes) {
  HttpRequest headers = post("application/json", "{}");
  headers.headers.push_back({"x-one", std::string(8192, 'x')});
  EXPECT_FALSE(refuse_at_dynamo({headers, true}));
  headers.headers.push_back({"x-two", std::string(8192, 'y')});
  EXPECT_EQ(refuse_at_dynamo({headers, true})->status, 400);
  HttpRequest target = post("application/json", "{}");
  target.path = "/" + std::string(17'000, 'x');
  EXPECT_EQ(refuse_at_dynamo({target, true})->status, 400);
}

TEST(DynamoFront, CallsJsonWhatTheRequestCalledIt) {
  const auto type_for = [](std::string type) {
    HttpResponse answer{
        .headers = {{"Content-Type", "application/x-amz-json-1.0"}}, .body = "{}", .stream = {}};
    finish_dynamo_answer(post(std::move(type), ""), "ID", answer);
    return *answer.find("content-type");
  };
  EXPECT_EQ(type_for("application/x-amz-json-1.0"), "application/x-amz-json-1.0");
  EXPECT_EQ(type_for("application/json; charset=utf-8"), "application/json");
  EXPECT_EQ(type_for(""), "application/json");
}

TEST(DynamoFront, CompressesLargeAnswersForWhoAcceptsAndChecksumsWhatGoesOut) {
  HttpRequest request = post("application/json", "{}");
  request.headers.push_back({"Accept-Encoding", "gzip"});
  HttpResponse small{.headers = {}, .body = "{}", .stream = {}};
  finish_dynamo_answer(request, "ID", small);
  EXPECT_EQ(small.body, "{}");
  EXPECT_EQ(*small.find("x-amz-crc32"), "2745614147");
  EXPECT_EQ(*small.find("x-amzn-requestid"), "ID");
  const std::string body(kUncompressedMax + 1, 'x');
  HttpResponse large{.headers = {}, .body = body, .stream = {}};
  finish_dynamo_answer(request, "ID", large);
  EXPECT_EQ(*large.find("content-encoding"), "gzip");
  EXPECT_EQ(inflate_body(ContentCoding::kGzip, large.body), body);
}

TEST(DynamoFront, MakesRequestIdsOfFiftyTwoCharacters) {
  base::SeededRandom random(1);
  EXPECT_EQ(dynamo_request_id(random).size(), 52U);
}

}  // namespace
}  // namespace wire
