#include "wire/coral_front.h"

#include <gtest/gtest.h>

namespace wire {
namespace {

HttpRequest post(std::string type, std::string body) {
  HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  if (!type.empty()) request.headers.push_back({"content-type", std::move(type)});
  return request;
}

std::string type_of(const HttpResponse& response) {
  const std::string* const type = response.find("Content-Type");
  return type == nullptr ? std::string() : *type;
}

// Codes, statuses and words are those that kinesalite's tests recorded on AWS.
TEST(CoralFront, LetsThroughWhatItCanServe) {
  for (const char* const type : {"application/x-amz-json-1.1", "  application/x-amz-json-1.1 ;x",
                                 "application/x-amz-cbor-1.1"})
    EXPECT_FALSE(refuse_at_front({post(type, "{}"), true})) << type;
  HttpRequest modern = post("application/cbor", "");
  modern.headers.push_back({"smithy-protocol", "rpc-v2-cbor"});
  EXPECT_FALSE(refuse_at_front({modern, true}));
}

TEST(CoralFront, AnswersEmptyBodiesInCborUnlessJsonWasAskedFor) {
  const auto cbor = refuse_at_front({post("", ""), false});
  ASSERT_TRUE(cbor.has_value());
  EXPECT_EQ(cbor->status, 400);
  EXPECT_EQ(type_of(*cbor), "application/x-amz-cbor-1.1");
  EXPECT_TRUE(cbor->body.ends_with("UnknownOperationException"));
  const auto json = refuse_at_front({post("application/x-amz-json-1.1", ""), true});
  EXPECT_EQ(json->body, R"({"__type":"SerializationException"})");
}

TEST(CoralFront, RefusesOtherMethodsAndTypesInBareXml) {
  HttpRequest get;
  get.method = "GET";
  const auto refused = refuse_at_front({get, false});
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(type_of(*refused), "");
  EXPECT_TRUE(refused->body.starts_with("<AccessDeniedException>\n  <Message>"));
  HttpRequest plain = post("text/plain", "{}");
  EXPECT_EQ(refuse_at_front({plain, false})->status, 403);
  plain.headers.push_back({"x-amz-target", "Kinesis_20131202."});
  EXPECT_EQ(refuse_at_front({plain, false})->status, 403);
  plain.headers.back().value += "PutRecord";
  const auto unknown = refuse_at_front({plain, true});
  EXPECT_EQ(unknown->status, 404);
  EXPECT_EQ(unknown->body, "<UnknownOperationException/>\n");
}

TEST(CoralFront, PlainJsonIsBygone) {
  const auto unknown = refuse_at_front({post("application/json", "{}"), true});
  EXPECT_EQ(unknown->status, 404);
  EXPECT_EQ(unknown->body,
            R"({"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},)"
            R"("Version":"1.0"})");
  EXPECT_EQ(refuse_at_front({post("application/json", "hello"), true})->status, 400);
}

TEST(CoralFront, SaysThatABodyCannotBeReadBeforeItSpeaksOfSignatures) {
  EXPECT_TRUE(refuse_unreadable(post("application/x-amz-json-1.1", "hello")));
  EXPECT_TRUE(refuse_unreadable(post("application/x-amz-json-1.1", "true")));
  EXPECT_FALSE(refuse_unreadable(post("application/x-amz-json-1.1", "{}")));
  EXPECT_FALSE(
      refuse_unreadable(post("application/x-amz-json-1.1", std::string(kFrontParseMax + 1, 'x'))));
}

TEST(CoralFront, AnswersBrowsers) {
  HttpRequest options;
  options.method = "OPTIONS";
  EXPECT_FALSE(answer_preflight(options));
  options.headers = {{"origin", "x"}, {"access-control-request-headers", "a, b"}};
  const auto answer = answer_preflight(options);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(*answer->find("access-control-allow-headers"), "a, b");
  EXPECT_EQ(answer->find("access-control-allow-methods"), nullptr);
  HttpResponse response;
  allow_origin(options, response);
  allow_origin(options, response);
  EXPECT_EQ(*response.find("access-control-allow-origin"), "*");
  EXPECT_EQ(response.headers.size(), 2U);
}

}  // namespace
}  // namespace wire
