#include "sdk/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sdk {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr std::int64_t kMoment = 1'440'938'160'000;  // 2015-08-30T12:36:00Z
const Credentials kKeys{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};

std::string header_of(const Request& request, std::string_view name) {
  for (const Header& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

// The well-known vector get-vanilla.
TEST(SigV4, SignsAPlainRequest) {
  const Request signed_one = signed_request({"GET", "/", {}, ""}, "example.amazonaws.com", kKeys,
                                            {"us-east-1", "service"}, kMoment);
  EXPECT_EQ(header_of(signed_one, "X-Amz-Date"), "20150830T123600Z");
  EXPECT_EQ(header_of(signed_one, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature="
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

// The expected signature was computed with botocore.
TEST(SigV4, SignsABodyATargetAndASessionToken) {
  Credentials keys = kKeys;
  keys.session_token = "tok/en==";
  const Request signed_one = signed_request({"POST",
                                             "/",
                                             {{"X-Amz-Target", "DynamoDB_20120810.GetItem"},
                                              {"Content-Type", "  application/x-amz-json-1.0 "}},
                                             R"({"TableName":"t"})"},
                                            "dynamodb.eu-north-1.amazonaws.com", keys,
                                            {"eu-north-1", "dynamodb"}, kMoment);
  EXPECT_EQ(header_of(signed_one, "X-Amz-Security-Token"), "tok/en==");
  const std::string authorization = header_of(signed_one, "Authorization");
  EXPECT_THAT(authorization,
              HasSubstr("content-type;host;x-amz-date;x-amz-security-token;x-amz-target"));
  EXPECT_THAT(authorization,
              EndsWith("eab07316cee31f061229fb80a443592815a34c6135e9df8251efced710083569"));
}

TEST(Credentials, ComeFromTheEnvironment) {
  EXPECT_FALSE(credentials_from(Environment({{"AWS_ACCESS_KEY_ID", "a"}})));
  const auto keys =
      credentials_from(Environment({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "s"}}));
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->secret_access_key, "s");
  EXPECT_EQ(keys->session_token, "");
}

}  // namespace
}  // namespace sdk
