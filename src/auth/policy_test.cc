#include "auth/policy.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace auth {
namespace {

using testing::HasSubstr;

// The refusal's text; "" when the document is accepted.
std::string refusal(std::string_view json, PolicyKind kind = PolicyKind::kIdentity) {
  const auto document = parse_policy(json, kind);
  if (document) return "";
  EXPECT_EQ(document.error().status, 400);
  EXPECT_EQ(document.error().code,
            kind == PolicyKind::kResource ? "MalformedPolicy" : "MalformedPolicyDocument");
  return document.error().message;
}

// A document with one statement of these members.
std::string with(std::string_view members) {
  return fmt::format(R"({{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{}}}}})", members);
}

struct Case {
  std::string document;
  std::string_view message;
};

constexpr std::string_view kSyntax = "Syntax errors in policy.";
constexpr std::string_view kLegacy = "The policy failed legacy parsing";

TEST(PolicyParse, AcceptsWhatIamAccepts) {
  const std::string_view documents[] = {
      R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}})",
      R"({"Version":"2008-10-17","Statement":[{"Effect":"Deny","NotAction":["a:b"],"Resource":"*"}]})",
      R"({"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"","Effect":"Allow","Action":"*",
          "NotResource":["arn:aws:s3:::b/*"]},{"Sid":"","Effect":"Allow","Action":"*:Get*",
          "Resource":"arn:aws:logs:*:*:*"}]})",
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*",
          "Resource":"arn:aws:iam::123456789012:user/${aws:username}"}})",
      R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${bucket}"}})",
      R"({"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*"}})",
      R"({"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{
          "Bool":{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":10}}}})",
  };
  for (const std::string_view document : documents) EXPECT_EQ(refusal(document), "") << document;
}

TEST(PolicyParse, NamesSyntaxErrors) {
  const Case cases[] = {
      {"", kSyntax},
      {"[]", kSyntax},
      {"not json", kSyntax},
      {R"({"Version":"2012-10-17"})", kSyntax},
      {R"({"Version":"2013-10-17","Statement":[]})", kSyntax},
      {R"({"Statement":[]})", kSyntax},
      {R"({"Statement":["x"]})", kSyntax},
      {R"({"Statement":{"Action":"a:b","Resource":"*"}})", kSyntax},
      {R"({"Statement":{"Effect":"Maybe","Action":"a:b","Resource":"*"}})", kSyntax},
      {R"({"Id":[],"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}})", kSyntax},
      {R"({"More":1,"Statement":{"Effect":"Allow","Action":"a:b","Resource":"*"}})", kSyntax},
      {with(R"("Action":"a:b","Resource":"*","More":1)"), kSyntax},
      {with(R"("Action":{},"Resource":"*")"), kSyntax},
      {with(R"("Action":[[]],"Resource":"*")"), kSyntax},
      {with(R"("Action":"a:b","NotAction":"a:b","Resource":"*")"), kSyntax},
      {with(R"("Action":"a:b","Resource":"*","NotResource":[])"), kSyntax},
      {with(R"("Action":"a:b","Resource":"*","Sid":1)"), kSyntax},
      {with(R"("Action":"a:b","Resource":"*","Condition":[])"), kSyntax},
      {with(R"("Action":"a:b","Resource":"*","Condition":{"StringEquals":"x"})"), kSyntax},
      {with(R"("Action":"a:b","Resource":"*","Condition":{"Same":{"a":"b"}})"), kSyntax},
      {with(R"("Action":"a:b","Resource":"*","Condition":{"NullIfExists":{"a":"true"}})"), kSyntax},
      {with(R"("Action":"a:b","Resource":"*","Condition":{"StringEquals":{"a":{}}})"), kSyntax},
  };
  for (const Case& c : cases) EXPECT_EQ(refusal(c.document), c.message) << c.document;
}

TEST(PolicyParse, NamesFaultsOfActionsAndResources) {
  const Case cases[] = {
      {with(R"("Resource":"*")"), "Policy statement must contain actions."},
      {with(R"("Action":[],"Resource":"*")"), "Policy statement must contain actions."},
      {with(R"("Action":"s3:Get")"), "Policy statement must contain resources."},
      {with(R"("Action":"s3:Get","Resource":[])"), "Policy statement must contain resources."},
      {with(R"("Action":"invalid")"),
       "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
      {with(R"("NotAction":"","Resource":"*")"),
       "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
      {with(R"("Action":"a a:b","Resource":"*")"), "Vendor a a is not valid"},
      {with(R"("Action":"s3:List:Bucket","Resource":"*")"),
       "Actions/Condition can contain only one colon."},
      {with(R"("Action":"s:3:x","Resource":"bucket")"),
       "Resource bucket must be in ARN format or \"*\"."},
      {with(R"("Action":"s3:x","Resource":"")"), "Resource  must be in ARN format or \"*\"."},
      {with(R"("Action":"s3:x","Resource":"a:b")"),
       "Partition \"b\" is not valid for resource \"arn:b:*:*:*:*\"."},
      {with(R"("Action":"s3:x","Resource":"aws:s3:::bucket")"),
       "Partition \"s3\" is not valid for resource \"arn:s3:::bucket:*\"."},
      {with(R"("Action":"s3:x","Resource":"a:b:c:d:e:f:g")"),
       "Partition \"b\" is not valid for resource \"arn:b:c:d:e:f:g\"."},
      {with(R"("Action":"s3:x","Resource":"arn:aws")"),
       "Resource vendor must be fully qualified and cannot contain regexes."},
      {with(R"("Action":"s3:x","Resource":"arn:aws:s3::bucket")"), kLegacy},
      {with(R"("Action":"s3:x","Resource":"arn:aws:s3:us-east-1::bucket")"),
       "Resource arn:aws:s3:us-east-1::bucket can not contain region information."},
      {with(R"("Action":"s3:x","Resource":"arn:aws:iam:us-east-1::user/x")"),
       "IAM resource arn:aws:iam:us-east-1::user/x cannot contain region information."},
      {with(R"("Action":"s3:x","Resource":"*","Condition":{"DateLessThan":{"a":"soon"}})"),
       kLegacy},
      {with(R"("Action":"s3:x","Resource":"*","Condition":{"IpAddress":{"a":"10.0.0.0/33"}})"),
       kLegacy},
      {R"({"Statement":{"Effect":"allow","Action":"a:b","Resource":"*"}})", kLegacy},
  };
  for (const Case& c : cases) EXPECT_EQ(refusal(c.document), c.message) << c.document;
  EXPECT_THAT(refusal(with(R"("Action":"s3:x","Resource":"arn:aws:iam:::thing")")),
              HasSubstr("IAM resource path must either be \"*\" or start with user/, "));
}

TEST(PolicyParse, WantsUniqueSids) {
  EXPECT_EQ(refusal(R"({"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},
                                     {"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}]})"),
            "Statement IDs (SID) in a single policy must be unique.");
}

TEST(PolicyParse, WantsTheNewVersionOfManagedPolicies) {
  const std::string_view old = R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}})";
  EXPECT_EQ(refusal(old, PolicyKind::kManaged),
            "Policy document must be version 2012-10-17 or greater.");
  EXPECT_EQ(refusal(with(R"("Action":"*","Resource":"*")"), PolicyKind::kManaged), "");
}

TEST(PolicyParse, KeepsPrincipalsOutOfIdentityPolicies) {
  EXPECT_EQ(refusal(with(R"("Action":"*","Resource":"*","Principal":"*")")),
            "Policy document should not specify a principal.");
}

TEST(PolicyParse, ChecksTrustPolicies) {
  const auto trust = [](std::string_view members) {
    return refusal(with(members), PolicyKind::kTrust);
  };
  EXPECT_EQ(trust(R"("Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"})"),
            "");
  EXPECT_EQ(trust(R"("Action":["sts:AssumeRole","sts:TagSession"],
                     "Principal":{"Service":["a.amazonaws.com"],"AWS":["123456789012","*"]})"),
            "");
  EXPECT_EQ(trust(R"("Action":"sts:AssumeRole")"), "Missing required field Principal");
  EXPECT_EQ(trust(R"("Action":"sts:AssumeRole","Resource":"*","Principal":"*")"),
            "Has prohibited field Resource");
  EXPECT_EQ(trust(R"("Action":"s3:GetObject","Principal":"*")"),
            "AssumeRole policy may only specify STS AssumeRole actions.");
  EXPECT_EQ(trust(R"("Action":"sts:AssumeRole","Principal":{"AWS":"somebody"})"),
            "Invalid principal in policy: \"AWS\":\"somebody\"");
  EXPECT_EQ(refusal("{", PolicyKind::kTrust), "This policy contains invalid Json");
}

TEST(PolicyParse, WordsResourcePoliciesAsS3Does) {
  const auto bucket = [](std::string_view json) { return refusal(json, PolicyKind::kResource); };
  EXPECT_EQ(bucket(""), "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(bucket("nonsense"), "Policies must be valid JSON and the first byte must be '{'");
  EXPECT_EQ(bucket("{}"), "Missing required field Statement");
  EXPECT_EQ(bucket(with(R"("Action":"s3:*","Resource":"*")")), "Missing required field Principal");
  EXPECT_EQ(bucket(with(R"("Action":"s3:*","Resource":"*","Principal":{"AWS":"x"})")),
            "Invalid principal in policy");
  EXPECT_EQ(bucket(with(R"("Action":"s3:*","Resource":"*","Principal":{"AWS":"*"})")), "");
}

TEST(PolicyParse, BoundsDepthAndSize) {
  EXPECT_EQ(refusal(std::string(100'000, '[')), kSyntax);
  EXPECT_EQ(refusal(R"({"Statement":)" + std::string(100'000, '{')), kSyntax);
  EXPECT_EQ(refusal(std::string(kPolicyBytesMax + 1, ' ')), kSyntax);
}

TEST(PolicyParse, KnowsWhetherEvaluationNeedsAContext) {
  const auto needs = [](std::string_view members) {
    return parse_policy(with(members), PolicyKind::kIdentity)->needs_context;
  };
  EXPECT_FALSE(needs(R"("Action":"s3:*","Resource":"arn:aws:s3:::b/*")"));
  EXPECT_TRUE(needs(R"("Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}")"));
  EXPECT_FALSE(needs(R"("Action":"s3:*","Resource":"arn:aws:s3:::b/${*}")"));
  EXPECT_TRUE(needs(R"("Action":"*","Resource":"*","Condition":{"Null":{"a":"true"}})"));
}

TEST(PolicyMatch, UnderstandsWildcards) {
  struct {
    std::string_view pattern, text;
    bool matches;
  } const cases[] = {
      {"*", "", true},        {"*", "anything:at/all", true},
      {"a*c", "abc", true},   {"a*c", "ac", true},
      {"a*c", "abcd", false}, {"a?c", "abc", true},
      {"a?c", "ac", false},   {"a**c", "abbc", true},
      {"*b*b", "abab", true}, {"*b*b", "aba", false},
      {"abc", "abc", true},   {"abc", "ABC", false},
      {"", "", true},         {"", "a", false},
      {"?", "", false},       {"\x01*", "\x01x", true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(matches(make_pattern(c.pattern), c.text), c.matches) << c.pattern << " " << c.text;
}

TEST(PolicyMatch, EndsSoonOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 1'000; ++i) pattern += "*a";
  EXPECT_FALSE(matches(make_pattern(pattern + "b"), std::string(2'000, 'a')));
}

}  // namespace
}  // namespace auth
