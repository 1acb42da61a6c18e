// What a function URL's function sees, and what it may answer.
#include "services/lambda/url_event.h"

#include <gtest/gtest.h>

#include "services/lambda/url_front.h"

namespace services::lambda {
namespace {

wire::HttpRequest request() {
  wire::HttpRequest made;
  made.method = "GET";
  made.path = "/p";
  made.peer_address = "10.0.0.1";
  return made;
}
std::string event_of(const wire::HttpRequest& made) {
  return url_event({.request = made,
                    .path = made.path,
                    .id = "i",
                    .domain = "i.lambda-url.r.on.aws",
                    .request_id = "q",
                    .now = base::from_epoch_ms(1'583'348'638'390)});
}

TEST(UrlEvent, IsFormat2) {
  wire::HttpRequest made = request();
  made.query = "a=1&a=2&b";
  made.headers = {{"X-A", "1"}, {"x-a", "2"}, {"Cookie", "k=1; l=2"}};
  EXPECT_EQ(event_of(made),
            R"({"version":"2.0","routeKey":"$default","rawPath":"/p","rawQueryString":"a=1&a=2&b",)"
            R"("cookies":["k=1","l=2"],"headers":{"cookie":"k=1; l=2",)"
            R"("host":"i.lambda-url.r.on.aws","x-a":"1,2","x-forwarded-for":"10.0.0.1",)"
            R"("x-forwarded-port":"80","x-forwarded-proto":"http"},)"
            R"("queryStringParameters":{"a":"1,2","b":""},"requestContext":{)"
            R"("accountId":"anonymous","apiId":"i","domainName":"i.lambda-url.r.on.aws",)"
            R"("domainPrefix":"i","http":{"method":"GET","path":"/p","protocol":"HTTP/1.1",)"
            R"("sourceIp":"10.0.0.1","userAgent":""},"requestId":"q","routeKey":"$default",)"
            R"("stage":"$default","time":"04/Mar/2020:19:03:58 +0000",)"
            R"("timeEpoch":1583348638390},"isBase64Encoded":false})");
}

TEST(UrlEvent, CarriesTextAsItIsAndEverythingElseInBase64) {
  wire::HttpRequest made = request();
  made.body = "hi";
  EXPECT_NE(event_of(made).find(R"("body":"aGk=","isBase64Encoded":true)"), std::string::npos);
  made.headers = {{"content-type", "Text/Plain; charset=utf-8"}};
  EXPECT_NE(event_of(made).find(R"("body":"hi","isBase64Encoded":false)"), std::string::npos);
  made.body = "\xff";
  EXPECT_NE(event_of(made).find(R"("body":"/w==","isBase64Encoded":true)"), std::string::npos);
}

TEST(UrlEvent, NeverPassesOnWhatIsNoText) {
  wire::HttpRequest made = request();
  made.headers = {{"x", "\xff"}};
  made.query = "%ff=1";
  EXPECT_EQ(event_of(made).find('\xff'), std::string::npos);
}

TEST(UrlResponse, TakesTheFunctionAtItsWord) {
  const auto made =
      url_response(R"({"statusCode":201,"headers":{"a":"b","n":5},"cookies":["c=1"],"body":"aGk=",)"
                   R"("isBase64Encoded":true})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body, "hi");
  EXPECT_EQ(*made.find("n"), "5");
  EXPECT_EQ(*made.find("set-cookie"), "c=1");
  EXPECT_EQ(*made.find("content-type"), "application/json");
}

TEST(UrlResponse, GuessesWhereNoStatusIsNamed) {
  EXPECT_EQ(url_response(R"({"a":1})").body, R"({"a":1})");
  EXPECT_EQ(url_response(R"("text")").body, "text");
  EXPECT_EQ(url_response("3").status, 200);
}

TEST(UrlResponse, IsABadGatewayForWhatCannotBePassedOn) {
  for (const char* const payload :
       {"", "{", R"({"statusCode":"x"})", R"({"statusCode":99})", R"({"statusCode":1.5})",
        R"({"statusCode":200,"body":"%","isBase64Encoded":true})"})
    EXPECT_EQ(url_response(payload).status, 502) << payload;
}

TEST(UrlPlace, IsFoundByHostAndByPath) {
  wire::HttpRequest made = request();
  EXPECT_FALSE(url_place(made));
  made.headers = {{"host", "abc.lambda-url.us-east-1.on.aws:4566"}};
  EXPECT_EQ(url_place(made)->id, "abc");
  EXPECT_EQ(url_place(made)->path, "/p");
  made.headers = {{"host", "abc.lambda-url.example.com"}};
  EXPECT_FALSE(url_place(made));
  made.path = "/_millrace/url/xyz";
  EXPECT_EQ(url_place(made)->id, "xyz");
  EXPECT_EQ(url_place(made)->path, "/");
  made.path = "/_millrace/url/xyz/a/b";
  EXPECT_EQ(url_place(made)->path, "/a/b");
  made.path = "/_millrace/url//a";
  EXPECT_FALSE(url_place(made));
}

}  // namespace
}  // namespace services::lambda
