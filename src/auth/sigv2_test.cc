#include "auth/sigv2.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "auth/signer.h"
#include "base/time_text.h"

namespace auth {
namespace {

using enum SignatureFailure;

constexpr std::string_view kSecret = "only/for+tests/0123456789/abcdefghijABCD";

base::Timestamp signing_time() { return *base::parse_amz_date("20261123T050000Z"); }

struct Sent {
  std::string method = "GET";
  std::string path = "/b/k";
  std::string query;
  HeaderList headers;
  std::string host_bucket;
};

std::expected<void, SignatureError> check(const Sent& sent, base::Timestamp now = signing_time(),
                                          std::string_view secret = kSecret) {
  std::vector<HeaderView> views;
  for (const auto& [name, value] : sent.headers) views.push_back({name, value});
  const SignedRequest request{.method = sent.method,
                              .path = sent.path,
                              .query = sent.query,
                              .headers = views,
                              .host_bucket = sent.host_bucket};
  EXPECT_TRUE(has_signature(request));
  const auto parsed = parse_signature(request);
  if (!parsed) return std::unexpected(parsed.error());
  return SignatureVerifier().verify(*parsed, request, secret, now, {.service = "s3"});
}

SignatureFailure failure_of(const Sent& sent, base::Timestamp now = signing_time()) {
  const auto answer = check(sent, now);
  EXPECT_FALSE(answer);
  return answer ? kMissingToken : answer.error().failure;
}

// The signatures below were made by botocore (HmacV1Auth, HmacV1QueryAuth).
Sent by_header() {
  return {.method = "PUT",
          .path = "/b/k%20%C3%BC",
          .query = "acl",
          .headers = {{"Content-Type", "text/plain"},
                      {"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="},
                      {"x-amz-meta-a", "b"},
                      {"X-Amz-Acl", " public-read"},
                      {"Date", "Mon, 23 Nov 2026 05:00:00 GMT"},
                      {"Authorization", "AWS AKIAMILLRACE00000001:iMTVShFYigPfedYqQn6K8ZDEWJc="}},
          .host_bucket = {}};
}

Sent by_query() {
  return {.path = "/b/k%20%C3%BC",
          .query =
              "AWSAccessKeyId=AKIAMILLRACE00000001&Signature=h%2B6XNZjf6b3VsiTeIzLo%2BcmyDBc"
              "%3D&Expires=1795410600",
          .headers = {},
          .host_bucket = {}};
}

Sent by_query_with_overrides() {
  return {.path = "/k",
          .query =
              "response-content-type=text%2Fplain%3B%20charset%3Dutf-8&versionId=null&prefix=x"
              "&AWSAccessKeyId=AKIAMILLRACE00000001&Signature=ehmMAwZE0shkjfVrHE1YeXwgr2c%3D"
              "&x-amz-security-token=tok%2Fen%2B%3D&Expires=1795410600",
          .headers = {},
          .host_bucket = "b"};
}

Sent upload_by_query() {
  return {.method = "PUT",
          .query =
              "AWSAccessKeyId=AKIAMILLRACE00000001&Signature=pbd9d7C8wmN1kBDKm15rL5Ogzko%3D"
              "&content-type=text%2Fplain&x-amz-acl=public-read&Expires=1795410600",
          .headers = {},
          .host_bucket = {}};
}

std::vector<Sent> all_sent() {
  return {by_header(), by_query(), by_query_with_overrides(), upload_by_query()};
}

TEST(SigV2, AcceptsWhatBotocoreSigns) {
  for (const Sent& sent : all_sent()) EXPECT_TRUE(check(sent)) << sent.query;
}

TEST(SigV2, RefusesAnyChangeToWhatIsSigned) {
  for (const Sent& sent : all_sent()) {
    SCOPED_TRACE(sent.query);
    Sent changed = sent;
    changed.method = "DELETE";
    EXPECT_EQ(failure_of(changed), kMismatch);
    changed = sent;
    changed.path += "x";
    EXPECT_EQ(failure_of(changed), kMismatch);
    changed = sent;
    changed.headers.emplace_back("x-amz-storage-class", "STANDARD");
    EXPECT_EQ(failure_of(changed), kMismatch);
    // A sub-resource chooses another operation, escaped or not.
    for (const std::string_view name : {"&uploads", "&%75ploads", "&tagging="}) {
      changed = sent;
      changed.query += name;
      EXPECT_EQ(failure_of(changed), kMismatch) << name;
    }
    changed = sent;
    changed.host_bucket += "other";
    EXPECT_EQ(failure_of(changed), kMismatch);
    EXPECT_FALSE(check(sent, signing_time(), "another secret"));
  }
}

TEST(SigV2, TakesTheDateFromAmzDateFirst) {
  Sent sent = by_header();
  sent.headers.emplace_back("x-amz-date", "Mon, 23 Nov 2026 05:00:00 GMT");
  EXPECT_EQ(failure_of(sent), kMismatch);  // read, and part of what is signed
}

TEST(SigV2, RefusesOldAndFutureDates) {
  const Sent sent = by_header();
  const auto old = check(sent, signing_time() + std::chrono::minutes(16));
  ASSERT_FALSE(old);
  const api::Error shown = to_api_error(old.error(), ErrorFamily::kS3);
  EXPECT_EQ(shown.code, "RequestTimeTooSkewed");
  EXPECT_EQ(shown.members, (ErrorMembers{{"RequestTime", "Mon, 23 Nov 2026 05:00:00 GMT"},
                                         {"ServerTime", "2026-11-23T05:16:00Z"},
                                         {"MaxAllowedSkewMilliseconds", "900000"}}));
  EXPECT_EQ(failure_of(sent, signing_time() - std::chrono::minutes(16)), kNotYetCurrent);
}

TEST(SigV2, EndsWhenItSaysSo) {
  EXPECT_TRUE(check(by_query(), signing_time() + std::chrono::seconds(600)));
  const auto late = check(by_query(), signing_time() + std::chrono::seconds(601));
  ASSERT_FALSE(late);
  const api::Error shown = to_api_error(late.error(), ErrorFamily::kS3);
  EXPECT_EQ(shown.code, "AccessDenied");
  EXPECT_EQ(shown.status, 403);
  EXPECT_EQ(shown.message, "Request has expired");
  EXPECT_EQ(shown.members, (ErrorMembers{{"Expires", "2026-11-23T05:10:00Z"},
                                         {"ServerTime", "2026-11-23T05:10:01Z"}}));
}

TEST(SigV2, ShowsWhatItSigned) {
  Sent sent = by_query();
  sent.path = "/b/other";
  const auto answer = check(sent);
  ASSERT_FALSE(answer);
  const api::Error shown = to_api_error(answer.error(), ErrorFamily::kS3);
  EXPECT_EQ(shown.code, "SignatureDoesNotMatch");
  ASSERT_EQ(shown.members.size(), 4U);
  EXPECT_EQ(shown.members[1].second, "GET\n\n\n1795410600\n/b/other");
  EXPECT_EQ(shown.members[3].second.substr(0, 14), "47 45 54 0a 0a");
}

TEST(SigV2, NamesWhatIsMalformed) {
  const auto header = [](std::string_view authorization) {
    const auto answer = check({.headers = {{"Date", "Mon, 23 Nov 2026 05:00:00 GMT"},
                                           {"Authorization", std::string(authorization)}}});
    EXPECT_FALSE(answer);
    return to_api_error(answer.error(), ErrorFamily::kS3).message;
  };
  for (const std::string_view text : {"AWS", "AWS ", "AWS key", "AWS :sig", "AWS key:sig more"})
    EXPECT_EQ(header(text),
              "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature");
  const auto query = [](std::string_view text) {
    const auto answer = check({.query = std::string(text), .headers = {}});
    EXPECT_FALSE(answer);
    return to_api_error(answer.error(), ErrorFamily::kS3).message;
  };
  EXPECT_EQ(query("AWSAccessKeyId=k&Expires=1795410600"),
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
            "parameters");
  EXPECT_EQ(query("AWSAccessKeyId=k&Signature=s&Expires=soon"),
            "Invalid date (should be seconds since epoch): soon");
  EXPECT_EQ(query("AWSAccessKeyId=k&Signature=s&Expires=99999999999999"),
            "Invalid date (should be seconds since epoch): 99999999999999");
  EXPECT_EQ(query("AWSAccessKeyId=k&Signature=s&Expires=1795410600&x-amz-acl=a%0Ax-amz-meta:b"),
            "The query string holds control characters.");
}

TEST(SigV2, IsNotMixedWithAnotherSignature) {
  Sent sent = by_query();
  sent.headers.emplace_back("Authorization", "AWS key:sig");
  EXPECT_EQ(failure_of(sent), kTwoMechanisms);
  sent = by_query();
  sent.query += "&X-Amz-Algorithm=AWS4-HMAC-SHA256";
  EXPECT_EQ(failure_of(sent), kTwoMechanisms);
}

TEST(SigV2, IsNoSignatureToOtherServices) {
  const SignedRequest query{.method = "GET", .query = "AWSAccessKeyId=k&Signature=s&Expires=1"};
  EXPECT_EQ(parse_signature_v4(query).error().failure, kMissingToken);
  const std::vector<HeaderView> headers = {{"Authorization", "AWS key:sig"}};
  const SignedRequest header{.method = "GET", .headers = headers};
  EXPECT_EQ(parse_signature_v4(header).error().failure, kUnsupportedAlgorithm);
}

}  // namespace
}  // namespace auth
