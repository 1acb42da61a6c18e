#include "wire/content_coding.h"

#include <gtest/gtest.h>

namespace wire {
namespace {

TEST(ContentCoding, BringsBackWhatItCompressed) {
  const std::string body = std::string(100'000, 'x') + "end";
  for (const auto coding : {ContentCoding::kGzip, ContentCoding::kDeflate}) {
    const auto small = deflate_body(coding, body);
    ASSERT_TRUE(small.has_value());
    EXPECT_LT(small->size(), body.size() / 30);
    EXPECT_EQ(inflate_body(coding, *small), body);
  }
}

TEST(ContentCoding, ReadsOneGzipMemberAfterTheOther) {
  const auto one = deflate_body(ContentCoding::kGzip, "ab");
  const auto two = deflate_body(ContentCoding::kGzip, "cd");
  EXPECT_EQ(inflate_body(ContentCoding::kGzip, *one + *two), "abcd");
  EXPECT_EQ(inflate_body(ContentCoding::kGzip, *one + "junk"), "ab");
}

TEST(ContentCoding, RefusesWhatIsBrokenCutOffOrEmpty) {
  for (const auto coding : {ContentCoding::kGzip, ContentCoding::kDeflate}) {
    const auto whole = deflate_body(coding, "some body");
    EXPECT_FALSE(inflate_body(coding, whole->substr(0, whole->size() - 1)).has_value());
    EXPECT_FALSE(inflate_body(coding, "{}").has_value());
    EXPECT_FALSE(inflate_body(coding, "").has_value());
  }
}

TEST(ContentCoding, StopsAtTheLimitHoweverSmallTheBodyWas) {
  const auto bomb = deflate_body(ContentCoding::kGzip, std::string(kInflatedMax + 1, ' '));
  EXPECT_LT(bomb->size(), 100'000U);
  EXPECT_FALSE(inflate_body(ContentCoding::kGzip, *bomb).has_value());
  const auto just = deflate_body(ContentCoding::kGzip, std::string(kInflatedMax, ' '));
  EXPECT_TRUE(inflate_body(ContentCoding::kGzip, *just).has_value());
}

TEST(ContentCoding, KnowsNames) {
  EXPECT_EQ(content_coding("GZIP"), ContentCoding::kGzip);
  EXPECT_EQ(content_coding(""), ContentCoding::kIdentity);
  EXPECT_EQ(content_coding("garbage"), std::nullopt);
}

// What DynamoDB answers to these headers; scylladb's alternator tests recorded it.
TEST(ContentCoding, ReadsAcceptEncodingAsDynamoDbDoes) {
  const struct {
    const char* header;
    ContentCoding wanted;
  } cases[] = {
      {"identity", ContentCoding::kIdentity},
      {"br", ContentCoding::kIdentity},
      {"gzip, deflate", ContentCoding::kGzip},
      {"br, identity, deflate, gzip", ContentCoding::kDeflate},
      {"dog, gzip ,, cat", ContentCoding::kGzip},
      {"br, gzip;q=0, deflate; q = 0.5 , identity;q=0", ContentCoding::kDeflate},
      {"*", ContentCoding::kGzip},
      {"*, deflate;q=0.5", ContentCoding::kGzip},
      {"*, deflate", ContentCoding::kDeflate},
      {"*, gzip;q=0.5", ContentCoding::kDeflate},
      {"gzip ;q=0", ContentCoding::kIdentity},
      {"*;q=0", ContentCoding::kIdentity},
      {"gzip;q=0.5,identity;q=0.8", ContentCoding::kGzip},
      {"gzip br", ContentCoding::kIdentity},
      {"gzip;q=31,deflate;q=51", ContentCoding::kGzip},
      {"deflate;q=0.5,gzip;q=0.", ContentCoding::kDeflate},
      {"deflate;q=0.5,gzip;q=0.x", ContentCoding::kGzip},
      {"deflate;q=-0.5,gzip;q=0.2", ContentCoding::kGzip},
      {"gzip;q= 0;q=1", ContentCoding::kIdentity},
      {"gzip;q =0;q=1", ContentCoding::kGzip},
      {"gzip;nq=0;q=1", ContentCoding::kIdentity},
      {"gzip;q=0, gzip;q=1, gzip;q=0", ContentCoding::kGzip},
  };
  for (const auto& one : cases) EXPECT_EQ(accepted_coding(one.header), one.wanted) << one.header;
}

TEST(ContentCoding, InflatesRequests) {
  HttpRequest request;
  request.body = *deflate_body(ContentCoding::kGzip, "{}");
  request.headers.push_back({"Content-Encoding", "gzip"});
  ASSERT_TRUE(inflate_request(request));
  EXPECT_EQ(request.body, "{}");
  request.headers.back().value = "garbage";
  const auto refused = inflate_request(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 500);
}

}  // namespace
}  // namespace wire
