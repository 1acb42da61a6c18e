#include <gmock/gmock.h>

#include "services/s3/fixture.h"

namespace services::s3 {
namespace {

using testing::HasSubstr;

class AccessTest : public S3Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(ask("PUT", "/bucket").status, 200);
    ASSERT_EQ(ask("PUT", "/bucket/private", {}, "p").status, 200);
    ASSERT_EQ(ask("PUT", "/bucket/public", {{"x-amz-acl", "public-read"}}, "q").status, 200);
  }
};

TEST_F(AccessTest, BucketsAreNamedOnceAndByTheRules) {
  EXPECT_EQ(header(ask("PUT", "/bucket-two"), "Location"), "/bucket-two");
  EXPECT_EQ(ask("PUT", "/bucket").status, 200);  // as AWS, in the first region
  EXPECT_EQ(element(ask(eve, "PUT", "/bucket"), "Code"), "AccessDenied");
  policies.allow(eve, R"("Effect":"Allow","Action":"s3:*","Resource":"*")");
  EXPECT_EQ(element(ask(eve, "PUT", "/bucket"), "Code"), "BucketAlreadyExists");
  EXPECT_EQ(element(ask("PUT", "/Bad_Name"), "Code"), "InvalidBucketName");
  EXPECT_EQ(element(ask("PUT", "/192.168.0.1"), "Code"), "InvalidBucketName");
  region = "eu-west-1";
  EXPECT_EQ(element(ask("PUT", "/other"), "Code"), "IllegalLocationConstraintException");
  const std::string where =
      "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
      "</CreateBucketConfiguration>";
  EXPECT_EQ(ask("PUT", "/other", {}, where).status, 200);
  EXPECT_EQ(element(ask("PUT", "/other", {}, where), "Code"), "BucketAlreadyOwnedByYou");
  EXPECT_THAT(ask("GET", "/other?location").body, HasSubstr(">eu-west-1</LocationConstraint>"));
  EXPECT_EQ(header(ask("HEAD", "/other"), "x-amz-bucket-region"), "eu-west-1");
  EXPECT_THAT(ask("GET", "/").body, HasSubstr("<Name>other</Name>"));
  EXPECT_EQ(element(ask("DELETE", "/bucket"), "Code"), "BucketNotEmpty");
  EXPECT_EQ(ask("DELETE", "/other").status, 204);
  EXPECT_EQ(ask("HEAD", "/other").status, 404);
}

TEST_F(AccessTest, StrangersReadWhatAnAclShowsAndNothingElse) {
  EXPECT_EQ(ask(stranger, "GET", "/bucket/public").body, "q");
  EXPECT_EQ(ask(stranger, "GET", "/bucket/private").status, 403);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/none").status, 403);
  EXPECT_EQ(ask(stranger, "GET", "/bucket").status, 403);
  EXPECT_EQ(ask(stranger, "PUT", "/bucket/public", {}, "x").status, 403);
  EXPECT_EQ(ask(stranger, "DELETE", "/bucket/public").status, 403);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/public?acl").status, 403);
  EXPECT_EQ(ask(stranger, "PUT", "/mine").status, 403);
  EXPECT_EQ(ask(stranger, "GET", "/").status, 403);
}

TEST_F(AccessTest, BucketAclsOpenListingAndWriting) {
  ASSERT_EQ(ask("PUT", "/bucket?acl", {{"x-amz-acl", "public-read-write"}}).status, 200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket?list-type=2").status, 200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/none").status, 403);
  EXPECT_EQ(ask(stranger, "PUT", "/bucket/new", {}, "x").status, 200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/private").status, 403);
  const auto acl = ask("GET", "/bucket?acl");
  EXPECT_THAT(acl.body, HasSubstr("global/AllUsers</URI>"));
  EXPECT_THAT(acl.body, HasSubstr("xsi:type=\"CanonicalUser\""));
  ASSERT_EQ(ask("PUT", "/bucket?acl", {{"x-amz-acl", "private"}}).status, 200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket?list-type=2").status, 403);
  EXPECT_EQ(element(ask("PUT", "/bucket?acl", {{"x-amz-acl", "what"}}), "Code"), "InvalidArgument");
}

TEST_F(AccessTest, AuthenticatedReadIsForThoseWithKeys) {
  ask("PUT", "/bucket/private?acl", {{"x-amz-acl", "authenticated-read"}});
  EXPECT_EQ(ask(stranger, "GET", "/bucket/private").status, 403);
  EXPECT_EQ(ask(bob, "GET", "/bucket/private").status, 200);
  EXPECT_EQ(ask(eve, "GET", "/bucket/private").status, 403);
  policies.allow(eve, R"("Effect":"Allow","Action":"s3:GetObject","Resource":"*")");
  EXPECT_EQ(ask(eve, "GET", "/bucket/private").status, 200);
}

TEST_F(AccessTest, AMissingKeyIsToldOnlyToThoseWhoMayList) {
  policies.allow(bob, R"("Effect":"Allow","Action":"s3:GetObject","Resource":"*")");
  EXPECT_EQ(ask(bob, "GET", "/bucket/private").status, 200);
  EXPECT_EQ(ask(bob, "GET", "/bucket/none").status, 403);
  policies.allow(bob,
                 R"("Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*")");
  EXPECT_EQ(ask(bob, "GET", "/bucket/none").status, 404);
}

TEST_F(AccessTest, ConditionKeysOfListingCount) {
  policies.allow(bob, R"("Effect":"Allow","Action":"s3:ListBucket",
      "Resource":"arn:aws:s3:::bucket","Condition":{"StringEquals":{"s3:prefix":"home/"}})");
  EXPECT_EQ(ask(bob, "GET", "/bucket?list-type=2&prefix=home%2F").status, 200);
  EXPECT_EQ(ask(bob, "GET", "/bucket?list-type=2").status, 403);
}

TEST_F(AccessTest, BucketPoliciesAllowAndDeny) {
  const std::string policy =
      R"({"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
       "Resource":"arn:aws:s3:::bucket/p*"},
      {"Effect":"Deny","Principal":"*","Action":"s3:GetObject",
       "Resource":"arn:aws:s3:::bucket/public"}]})";
  ASSERT_EQ(ask("PUT", "/bucket?policy", {}, policy).status, 200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/private").status, 200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/public").status, 403);  // the ACL loses to a Deny
  EXPECT_EQ(ask("GET", "/bucket?policy").body, policy);
  EXPECT_EQ(element(ask("GET", "/bucket?policyStatus"), "IsPublic"), "true");
  EXPECT_EQ(ask("DELETE", "/bucket?policy").status, 204);
  EXPECT_EQ(element(ask("GET", "/bucket?policy"), "Code"), "NoSuchBucketPolicy");
  EXPECT_EQ(ask(stranger, "GET", "/bucket/private").status, 403);
  EXPECT_EQ(element(ask("PUT", "/bucket?policy", {}, "[]"), "Code"), "MalformedPolicy");
  EXPECT_EQ(element(ask("PUT", "/bucket?policy", {},
                        R"({"Statement":[{"Effect":"Allow","Principal":"*",
                        "Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}]})"),
                    "Code"),
            "MalformedPolicy");
}

TEST_F(AccessTest, PublicAccessBlocksAndOwnershipShutAcls) {
  EXPECT_EQ(element(ask("GET", "/bucket?publicAccessBlock"), "Code"),
            "NoSuchPublicAccessBlockConfiguration");
  ASSERT_EQ(ask("PUT", "/bucket?publicAccessBlock", {},
                "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
                "<IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>")
                .status,
            200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/public").status, 403);
  EXPECT_EQ(ask("PUT", "/bucket/x", {{"x-amz-acl", "public-read"}}).status, 403);
  EXPECT_EQ(ask("PUT", "/bucket/x").status, 200);
  ask("DELETE", "/bucket?publicAccessBlock");
  EXPECT_EQ(ask(stranger, "GET", "/bucket/public").status, 200);
  ASSERT_EQ(ask("PUT", "/bucket?ownershipControls", {},
                "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>"
                "</Rule></OwnershipControls>")
                .status,
            200);
  EXPECT_EQ(ask(stranger, "GET", "/bucket/public").status, 403);
  EXPECT_EQ(element(ask("PUT", "/bucket/x", {{"x-amz-acl", "public-read"}}), "Code"),
            "AccessControlListNotSupported");
}

TEST_F(AccessTest, SettingAnAclNeedsItsOwnPermission) {
  policies.allow(bob, R"("Effect":"Allow","Action":"s3:PutObject","Resource":"*")");
  EXPECT_EQ(ask(bob, "PUT", "/bucket/x", {}, "x").status, 200);
  EXPECT_EQ(ask(bob, "PUT", "/bucket/x", {{"x-amz-acl", "public-read"}}, "x").status, 403);
}

TEST_F(AccessTest, CopyingNeedsToReadTheSource) {
  policies.allow(bob,
                 R"("Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*")");
  EXPECT_EQ(ask(bob, "PUT", "/bucket/c", {{"x-amz-copy-source", "bucket/private"}}).status, 403);
  EXPECT_EQ(ask(bob, "PUT", "/bucket/c", {{"x-amz-copy-source", "bucket/public"}}).status, 200);
}

TEST_F(AccessTest, SettingsAnswerAsUntouchedBucketsDo) {
  EXPECT_THAT(ask("GET", "/bucket?versioning").body, HasSubstr("VersioningConfiguration"));
  EXPECT_EQ(ask("PUT", "/bucket?versioning", {},
                "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
                .status,
            501);
  EXPECT_EQ(element(ask("GET", "/bucket?encryption"), "SSEAlgorithm"), "AES256");
  EXPECT_EQ(element(ask("GET", "/bucket?requestPayment"), "Payer"), "BucketOwner");
  EXPECT_EQ(element(ask("GET", "/bucket?cors"), "Code"), "NoSuchCORSConfiguration");
  EXPECT_EQ(element(ask("GET", "/bucket?lifecycle"), "Code"), "NoSuchLifecycleConfiguration");
  EXPECT_EQ(ask("GET", "/bucket?notification").status, 200);
  EXPECT_EQ(ask("PUT", "/bucket?cors", {}, "<CORSConfiguration/>").status, 501);
}

TEST_F(AccessTest, TagsOfBucketsAndObjects) {
  const std::string tags =
      "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>";
  EXPECT_EQ(element(ask("GET", "/bucket?tagging"), "Code"), "NoSuchTagSet");
  EXPECT_EQ(ask("PUT", "/bucket?tagging", {}, tags).status, 200);
  EXPECT_EQ(element(ask("GET", "/bucket?tagging"), "Value"), "v");
  EXPECT_EQ(ask("DELETE", "/bucket?tagging").status, 204);
  EXPECT_EQ(ask("PUT", "/bucket/private?tagging", {}, tags).status, 200);
  EXPECT_EQ(element(ask("GET", "/bucket/private?tagging"), "Key"), "k");
  EXPECT_EQ(element(ask("PUT", "/bucket/private?tagging", {},
                        "<Tagging><TagSet><Tag><Key>aws:x</Key><Value/></Tag></TagSet></Tagging>"),
                    "Code"),
            "InvalidTag");
  EXPECT_EQ(ask("DELETE", "/bucket/private?tagging").status, 204);
}

}  // namespace
}  // namespace services::s3
