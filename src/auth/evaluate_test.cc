#include "auth/evaluate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/authorizer.h"
#include "base/time_text.h"

namespace auth {
namespace {

constexpr std::string_view kAccount = "123456789012";
constexpr std::string_view kOther = "210987654321";
constexpr std::string_view kStream = "arn:aws:kinesis:us-east-1:123456789012:stream/s";

Principal alice() { return user_principal(kAccount, "/team/", "alice", "AIDAALICE00000000000"); }
Principal session() {
  return role_session_principal(kAccount, "/svc/", "worker", "AROAWORKER0000000000", "run-1");
}

std::shared_ptr<const PolicyDocument> document(std::string_view json, PolicyKind kind) {
  auto parsed = parse_shared_policy(json, kind);
  EXPECT_TRUE(parsed) << json << ": " << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : nullptr;
}

// A document of these statements, each the inside of an object.
std::string statements(std::initializer_list<std::string_view> list) {
  std::string text = R"({"Version":"2012-10-17","Statement":[)";
  for (const std::string_view statement : list) text += fmt::format("{{{}}},", statement);
  text.back() = ']';
  return text + "}";
}

constexpr std::string_view kAllowAll = R"("Effect":"Allow","Action":"*","Resource":"*")";
constexpr std::string_view kDenyAll = R"("Effect":"Deny","Action":"*","Resource":"*")";

// What one identity policy of one statement says to alice.
bool allows(std::string_view statement, std::string_view action, std::string_view resource,
            const Context& context = {}) {
  const std::vector identity = {document(statements({statement}), PolicyKind::kIdentity)};
  const Principal who = alice();
  return evaluate({.principal = &who,
                   .action = action,
                   .resource = resource,
                   .resource_account = {},
                   .context = &context},
                  {.identity = identity})
      .allowed();
}

TEST(Evaluate, MatchesActionsAndResources) {
  struct {
    std::string_view statement, action, resource;
    bool allowed;
  } const cases[] = {
      {R"("Effect":"Allow","Action":"kinesis:Put*","Resource":"*")", "kinesis:PutRecord", "*",
       true},
      {R"("Effect":"Allow","Action":"KINESIS:putrecord","Resource":"*")", "kinesis:PutRecord", "*",
       true},
      {R"("Effect":"Allow","Action":"kinesis:PutRecord","Resource":"*")", "kinesis:PutRecords", "*",
       false},
      {R"("Effect":"Allow","Action":"kinesis:PutRecord?","Resource":"*")", "kinesis:PutRecords",
       "*", true},
      {R"("Effect":"Allow","Action":["a:b","kinesis:*"],"Resource":"*")", "kinesis:PutRecord", "*",
       true},
      {R"("Effect":"Allow","Action":"*:PutRecord","Resource":"*")", "kinesis:PutRecord", "*", true},
      {R"("Effect":"Allow","NotAction":"iam:*","Resource":"*")", "kinesis:PutRecord", "*", true},
      {R"("Effect":"Allow","NotAction":"iam:*","Resource":"*")", "iam:GetUser", "*", false},
      {R"("Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*")", "s3:x",
       "arn:aws:s3:::b/deep/key", true},
      {R"("Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*")", "s3:x", "arn:aws:s3:::b",
       false},
      {R"("Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::B")", "s3:x", "arn:aws:s3:::b",
       false},
      {R"("Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:*:*:*")", "logs:PutLogEvents",
       "arn:aws:logs:us-east-1:1:log-group:/aws/lambda/f:log-stream:2026/[$LATEST]x", true},
      {R"("Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b")", "s3:x", "arn:aws:s3:::b",
       false},
      {R"("Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b")", "s3:x", "arn:aws:s3:::c",
       true},
      {R"("Effect":"Deny","NotAction":"a:b","Resource":"*")", "kinesis:PutRecord", "*", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(allows(c.statement, c.action, c.resource), c.allowed) << c.statement << c.action;
}

TEST(Evaluate, ReplacesVariables) {
  const Context context = {{"aws:username", "alice"},
                           {"aws:PrincipalTag/team", "blue"},
                           {"star", "*"},
                           {"aws:TagKeys", "a"},
                           {"aws:TagKeys", "b"}};
  struct {
    std::string_view resource, asked;
    bool allowed;
  } const cases[] = {
      {"arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/alice/x", true},
      {"arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/x", false},
      {"arn:aws:s3:::b/${AWS:UserName}/*", "arn:aws:s3:::b/alice/x", true},
      {"arn:aws:s3:::${aws:PrincipalTag/team}", "arn:aws:s3:::blue", true},
      {"arn:aws:s3:::b/${nothing}", "arn:aws:s3:::b/", false},
      {"arn:aws:s3:::b/${nothing, 'spare'}", "arn:aws:s3:::b/spare", true},
      {"arn:aws:s3:::b/${aws:username, 'spare'}", "arn:aws:s3:::b/alice", true},
      {"arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", true},
      {"arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", false},
      {"arn:aws:s3:::b/${?}x${$}", "arn:aws:s3:::b/?x$", true},
      {"arn:aws:s3:::b/${star}", "arn:aws:s3:::b/anything", false},
      {"arn:aws:s3:::b/${star}", "arn:aws:s3:::b/*", true},
      {"arn:aws:s3:::b/${aws:TagKeys}", "arn:aws:s3:::b/a", false},
  };
  for (const auto& c : cases) {
    const std::string statement =
        fmt::format(R"("Effect":"Allow","Action":"*","Resource":"{}")", c.resource);
    EXPECT_EQ(allows(statement, "s3:GetObject", c.asked, context), c.allowed) << c.resource;
  }
}

TEST(Evaluate, LeavesVariablesAloneInOldDocuments) {
  const std::vector identity = {document(
      R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:username}"}})",
      PolicyKind::kIdentity)};
  const Principal who = alice();
  const Context context = {{"aws:username", "alice"}};
  AccessRequest request{.principal = &who,
                        .action = "s3:x",
                        .resource = "arn:aws:s3:::b/alice",
                        .resource_account = {},
                        .context = &context};
  EXPECT_FALSE(evaluate(request, {.identity = identity}).allowed());
  request.resource = "arn:aws:s3:::b/${aws:username}";
  EXPECT_TRUE(evaluate(request, {.identity = identity}).allowed());
}

bool holds(std::string_view condition, const Context& context) {
  return allows(
      fmt::format(R"("Effect":"Allow","Action":"*","Resource":"*","Condition":{})", condition),
      "a:b", "*", context);
}

struct ConditionCase {
  std::string_view condition;
  bool allowed;
};

TEST(Condition, ComparesStrings) {
  const Context context = {{"k", "Blue"}, {"aws:username", "Blue"}};
  const ConditionCase cases[] = {
      {R"({"StringEquals":{"k":"Blue"}})", true},
      {R"({"StringEquals":{"K":["Red","Blue"]}})", true},
      {R"({"StringEquals":{"k":"blue"}})", false},
      {R"({"StringEquals":{"k":"B*"}})", false},
      {R"({"StringEquals":{"k":"${aws:username}"}})", true},
      {R"({"StringNotEquals":{"k":"Blue"}})", false},
      {R"({"StringNotEquals":{"k":["Red","Green"]}})", true},
      {R"({"StringNotEquals":{"k":["Red","Blue"]}})", false},
      {R"({"StringEqualsIgnoreCase":{"k":"bLUE"}})", true},
      {R"({"StringNotEqualsIgnoreCase":{"k":"bLUE"}})", false},
      {R"({"StringLike":{"k":"B?u*"}})", true},
      {R"({"StringLike":{"k":"b*"}})", false},
      {R"({"StringNotLike":{"k":"B*"}})", false},
      {R"({"StringNotLike":{"k":"R*"}})", true},
      {R"({"StringEquals":{"k":"Blue"},"StringLike":{"k":"R*"}})", false},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

TEST(Condition, ComparesNumbers) {
  const Context context = {{"n", "10"}, {"word", "ten"}};
  const ConditionCase cases[] = {
      {R"({"NumericEquals":{"n":"10.0"}})", true},
      {R"({"NumericEquals":{"n":10}})", true},
      {R"({"NumericEquals":{"n":["9","11"]}})", false},
      {R"({"NumericNotEquals":{"n":"10"}})", false},
      {R"({"NumericLessThan":{"n":"10"}})", false},
      {R"({"NumericLessThan":{"n":"10.5"}})", true},
      {R"({"NumericLessThanEquals":{"n":"10"}})", true},
      {R"({"NumericGreaterThan":{"n":"9"}})", true},
      {R"({"NumericGreaterThan":{"n":"10"}})", false},
      {R"({"NumericGreaterThanEquals":{"n":"10"}})", true},
      {R"({"NumericEquals":{"word":"10"}})", false},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

TEST(Condition, ComparesDates) {
  const Context context = {{"t", "2026-11-23T05:00:00Z"}, {"e", "1795410000"}};
  const ConditionCase cases[] = {
      {R"({"DateEquals":{"t":"2026-11-23T05:00:00Z"}})", true},
      {R"({"DateEquals":{"t":"1795410000"}})", true},
      {R"({"DateEquals":{"e":"2026-11-23T05:00:00Z"}})", true},
      {R"({"DateNotEquals":{"t":"2026-11-23T05:00:00Z"}})", false},
      {R"({"DateLessThan":{"t":"2026-11-24"}})", true},
      {R"({"DateLessThan":{"t":"2026-11-23T05:00:00Z"}})", false},
      {R"({"DateLessThanEquals":{"t":"2026-11-23T05:00:00Z"}})", true},
      {R"({"DateGreaterThan":{"t":"2026-11-23T04:59:59Z"}})", true},
      {R"({"DateGreaterThanEquals":{"t":"2026-11-23T05:00:01Z"}})", false},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

TEST(Condition, ComparesAddresses) {
  const Context context = {
      {"v4", "10.1.2.3"}, {"v6", "2001:db8::1"}, {"mapped", "::ffff:10.1.2.3"}};
  const ConditionCase cases[] = {
      {R"({"IpAddress":{"v4":"10.1.2.3"}})", true},
      {R"({"IpAddress":{"v4":"10.1.0.0/16"}})", true},
      {R"({"IpAddress":{"v4":"10.1.2.2/31"}})", true},
      {R"({"IpAddress":{"v4":"10.1.2.4/31"}})", false},
      {R"({"IpAddress":{"v4":"0.0.0.0/0"}})", true},
      {R"({"IpAddress":{"v4":["192.168.0.0/16","10.0.0.0/8"]}})", true},
      {R"({"NotIpAddress":{"v4":"10.0.0.0/8"}})", false},
      {R"({"NotIpAddress":{"v4":"11.0.0.0/8"}})", true},
      {R"({"IpAddress":{"v6":"2001:db8::/32"}})", true},
      {R"({"IpAddress":{"v6":"2001:db9::/32"}})", false},
      {R"({"IpAddress":{"v6":"0.0.0.0/0"}})", false},
      {R"({"IpAddress":{"mapped":"10.0.0.0/8"}})", true},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

TEST(Condition, ComparesArnsPartByPart) {
  const Context context = {{"a", "arn:aws:sns:us-east-1:123456789012:topic:sub"}};
  const ConditionCase cases[] = {
      {R"({"ArnEquals":{"a":"arn:aws:sns:us-east-1:123456789012:topic:sub"}})", true},
      {R"({"ArnLike":{"a":"arn:aws:sns:*:123456789012:*"}})", true},
      {R"({"ArnLike":{"a":"arn:aws:*:topic:sub"}})", false},
      {R"({"ArnEquals":{"a":"arn:aws:sns:us-*:*:topic:*"}})", true},
      {R"({"ArnNotLike":{"a":"arn:aws:sns:*:*:*"}})", false},
      {R"({"ArnNotEquals":{"a":"arn:aws:sqs:*:*:*"}})", true},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

TEST(Condition, ComparesBooleansAndBytes) {
  const Context context = {{"yes", "true"}, {"bytes", "hello"}};
  const ConditionCase cases[] = {
      {R"({"Bool":{"yes":"true"}})", true},
      {R"({"Bool":{"yes":true}})", true},
      {R"({"Bool":{"yes":"TRUE"}})", true},
      {R"({"Bool":{"yes":"false"}})", false},
      {R"({"BinaryEquals":{"bytes":"aGVsbG8="}})", true},
      {R"({"BinaryEquals":{"bytes":"aGVsbG9v"}})", false},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

TEST(Condition, TreatsMissingKeysAsAwsDoes) {
  const Context context = {{"there", "x"}};
  const ConditionCase cases[] = {
      {R"({"StringEquals":{"gone":"x"}})", false},
      {R"({"StringNotEquals":{"gone":"x"}})", true},
      {R"({"StringEqualsIfExists":{"gone":"x"}})", true},
      {R"({"StringEqualsIfExists":{"there":"y"}})", false},
      {R"({"BoolIfExists":{"gone":"true"}})", true},
      {R"({"Bool":{"gone":"false"}})", false},
      {R"({"Null":{"gone":"true"}})", true},
      {R"({"Null":{"there":"true"}})", false},
      {R"({"Null":{"there":false}})", true},
      {R"({"NotIpAddress":{"gone":"10.0.0.0/8"}})", true},
      {R"({"ForAllValues:StringEquals":{"gone":"x"}})", true},
      {R"({"ForAnyValue:StringEquals":{"gone":"x"}})", false},
      {R"({"ForAnyValue:StringNotEquals":{"gone":"x"}})", false},
      {R"({"ForAnyValue:StringEqualsIfExists":{"gone":"x"}})", true},
      {R"({"StringEquals":{"there":"${gone}"}})", false},
      {R"({"StringNotEquals":{"there":"${gone}"}})", true},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

TEST(Condition, UnderstandsSetsOfValues) {
  const Context context = {{"k", "a"}, {"k", "b"}};
  const ConditionCase cases[] = {
      {R"({"ForAllValues:StringEquals":{"k":["a","b","c"]}})", true},
      {R"({"ForAllValues:StringEquals":{"k":["a"]}})", false},
      {R"({"ForAnyValue:StringEquals":{"k":["b","z"]}})", true},
      {R"({"ForAnyValue:StringEquals":{"k":["z"]}})", false},
      {R"({"ForAllValues:StringNotEquals":{"k":["z"]}})", true},
      {R"({"ForAllValues:StringNotEquals":{"k":["a"]}})", false},
      {R"({"ForAnyValue:StringNotEquals":{"k":["a"]}})", true},
      {R"({"ForAllValues:StringLike":{"k":"?"}})", true},
      {R"({"StringEquals":{"k":"b"}})", true},
      {R"({"StringNotEquals":{"k":"b"}})", false},
  };
  for (const auto& c : cases) EXPECT_EQ(holds(c.condition, context), c.allowed) << c.condition;
}

// Which layers are there and what each says: 'a' allows, 'd' denies, '-' is silent, ' ' is absent.
struct LayerCase {
  char identity, boundary, session, resource;
  Verdict verdict;
  PolicyLayer layer;
};

std::shared_ptr<const PolicyDocument> layer(char says, PolicyKind kind,
                                            std::string_view principal = {}) {
  if (says == ' ') return nullptr;
  std::string statement(says == 'd' ? kDenyAll : kAllowAll);
  if (says == '-') statement = R"("Effect":"Allow","Action":"other:Thing","Resource":"*")";
  if (!principal.empty()) statement += fmt::format(R"(,"Principal":{})", principal);
  return document(statements({statement}), kind);
}

Decision decide(const LayerCase& c, const Principal& who, std::string_view named,
                std::string_view owner = {}, bool must_allow = false) {
  const auto boundary = layer(c.boundary, PolicyKind::kBoundary);
  const auto resource = layer(c.resource, PolicyKind::kResource, named);
  std::vector<std::shared_ptr<const PolicyDocument>> identity;
  std::vector<std::shared_ptr<const PolicyDocument>> sessions;
  if (c.identity != ' ') identity.push_back(layer(c.identity, PolicyKind::kIdentity));
  if (c.session != ' ') sessions.push_back(layer(c.session, PolicyKind::kSession));
  return evaluate({.principal = &who,
                   .action = "kinesis:PutRecord",
                   .resource = kStream,
                   .resource_account = owner},
                  {.identity = identity,
                   .boundary = boundary.get(),
                   .session = sessions,
                   .has_session_policies = c.session != ' ',
                   .resource = resource.get(),
                   .resource_must_allow = must_allow});
}

void expect_all(std::initializer_list<LayerCase> cases, const Principal& who,
                std::string_view named, std::string_view owner = {}, bool must_allow = false) {
  for (const LayerCase& c : cases) {
    const Decision decision = decide(c, who, named, owner, must_allow);
    SCOPED_TRACE(fmt::format("identity {} boundary {} session {} resource {} naming {}", c.identity,
                             c.boundary, c.session, c.resource, named));
    EXPECT_EQ(decision.verdict, c.verdict);
    EXPECT_EQ(decision.layer, c.layer);
  }
}

constexpr std::string_view kAlice = R"({"AWS":"arn:aws:iam::123456789012:user/team/alice"})";
constexpr std::string_view kWorker = R"({"AWS":"arn:aws:iam::123456789012:role/svc/worker"})";
constexpr std::string_view kWorkerSession =
    R"({"AWS":"arn:aws:sts::123456789012:assumed-role/worker/run-1"})";
constexpr std::string_view kWholeAccount = R"({"AWS":"123456789012"})";
constexpr Verdict kYes = Verdict::kAllow;
constexpr Verdict kDenied = Verdict::kExplicitDeny;
constexpr Verdict kNo = Verdict::kImplicitDeny;
using enum PolicyLayer;

TEST(Evaluate, CombinesLayersForAUser) {
  expect_all({{'a', ' ', ' ', ' ', kYes, kNone},
              {' ', ' ', ' ', ' ', kNo, kIdentity},
              {'-', ' ', ' ', ' ', kNo, kIdentity},
              {'d', ' ', ' ', 'a', kDenied, kIdentity},
              {'a', ' ', ' ', 'd', kDenied, kResource},
              {'-', ' ', ' ', 'a', kYes, kNone},
              {'a', 'a', ' ', ' ', kYes, kNone},
              {'a', '-', ' ', ' ', kNo, kBoundary},
              {'a', 'd', ' ', 'a', kDenied, kBoundary},
              {'-', '-', ' ', 'a', kYes, kNone},  // named by ARN: the boundary's silence is no bar
              {'-', 'a', ' ', '-', kNo, kIdentity}},
             alice(), kAlice);
}

TEST(Evaluate, CombinesLayersForARoleNamedByTheResource) {
  expect_all({{'a', ' ', 'a', ' ', kYes, kNone},
              {'a', ' ', '-', ' ', kNo, kSession},
              {'a', ' ', 'd', 'a', kDenied, kSession},
              {'-', ' ', ' ', 'a', kYes, kNone},
              {'-', ' ', '-', 'a', kNo, kSession},
              {'-', '-', ' ', 'a', kNo, kBoundary}},
             session(), kWorker);
}

TEST(Evaluate, LetsAResourceNameASessionItself) {
  expect_all({{'-', '-', '-', 'a', kYes, kNone}, {'-', '-', '-', 'd', kDenied, kResource}},
             session(), kWorkerSession);
}

TEST(Evaluate, LeavesTheAccountsOwnPoliciesToDecide) {
  expect_all({{'-', ' ', ' ', 'a', kNo, kIdentity},
              {'a', ' ', ' ', 'a', kYes, kNone},
              {'a', ' ', ' ', 'd', kDenied, kResource}},
             alice(), kWholeAccount);
}

TEST(Evaluate, WantsBothSidesAcrossAccounts) {
  for (const std::string_view named : {kAlice, kWholeAccount})
    expect_all({{'a', ' ', ' ', 'a', kYes, kNone},
                {'-', ' ', ' ', 'a', kNo, kIdentity},
                {'a', '-', ' ', 'a', kNo, kBoundary},
                {'a', ' ', ' ', '-', kNo, kResource},
                {'a', ' ', ' ', ' ', kNo, kResource}},
               alice(), named, kOther);
}

TEST(Evaluate, WantsTheTrustPolicyToAllow) {
  expect_all({{'a', ' ', ' ', '-', kNo, kResource},
              {'-', ' ', ' ', 'a', kYes, kNone},
              {'a', ' ', ' ', ' ', kNo, kResource}},
             alice(), kAlice, {}, true);
  expect_all({{'-', ' ', ' ', 'a', kNo, kIdentity}, {'a', ' ', ' ', 'a', kYes, kNone}}, alice(),
             kWholeAccount, {}, true);
}

TEST(Evaluate, GivesRootEverythingButWhatAResourceDenies) {
  const Principal root = root_principal(kAccount);
  expect_all({{' ', ' ', ' ', ' ', kYes, kNone}, {' ', ' ', ' ', 'd', kDenied, kResource}}, root,
             kWholeAccount);
  expect_all({{' ', ' ', ' ', ' ', kNo, kResource}, {' ', ' ', ' ', 'a', kYes, kNone}}, root,
             kWholeAccount, kOther);
}

TEST(Evaluate, GivesStrangersAndServicesWhatResourcesGrant) {
  expect_all({{' ', ' ', ' ', ' ', kNo, kResource}, {' ', ' ', ' ', 'a', kYes, kNone}},
             anonymous_principal(), R"("*")", kAccount);
  expect_all({{' ', ' ', ' ', 'a', kNo, kResource}}, anonymous_principal(), kWholeAccount,
             kAccount);
  expect_all({{' ', ' ', ' ', 'a', kYes, kNone}, {' ', ' ', ' ', '-', kNo, kResource}},
             service_principal("s3.amazonaws.com"), R"({"Service":"s3.amazonaws.com"})", kAccount);
  expect_all({{' ', ' ', ' ', 'a', kNo, kResource}}, service_principal("sns.amazonaws.com"),
             R"({"Service":"s3.amazonaws.com"})", kAccount);
}

TEST(Evaluate, SparesThoseWhomNotPrincipalNames) {
  const auto resource = document(
      statements(
          {R"("Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/team/alice"},
                     "Action":"*","Resource":"*")"}),
      PolicyKind::kResource);
  const std::vector identity = {document(statements({kAllowAll}), PolicyKind::kIdentity)};
  const auto verdict = [&](const Principal& who) {
    return evaluate({.principal = &who, .action = "a:b", .resource = "*", .resource_account = {}},
                    {.identity = identity, .resource = resource.get()})
        .verdict;
  };
  EXPECT_EQ(verdict(alice()), kYes);
  EXPECT_EQ(verdict(user_principal(kAccount, "/", "bob", "AIDABOB0000000000000")), kDenied);
}

TEST(Evaluate, KnowsPrincipalsByTheirUniqueIds) {
  expect_all({{'-', ' ', ' ', 'a', kYes, kNone}}, alice(), R"({"AWS":"AIDAALICE00000000000"})");
  expect_all({{'-', ' ', ' ', 'a', kYes, kNone}}, session(), R"({"AWS":"AROAWORKER0000000000"})");
}

TEST(Context, SaysWhoAsksAndHow) {
  Principal who = session();
  who.tags = {{"team", "blue"}};
  who.session_issued = *base::parse_iso8601("2026-11-23T04:00:00Z");
  const Context context = global_context(
      who, {.source_ip = "10.0.0.1", .user_agent = "x", .referer = {}, .region = "us-east-1"},
      *base::parse_iso8601("2026-11-23T05:00:00Z"));
  const auto value = [&](std::string_view key) {
    const auto* values = context.find(key);
    return values == nullptr ? std::string("(none)") : values->front();
  };
  EXPECT_EQ(value("aws:principalarn"), "arn:aws:iam::123456789012:role/svc/worker");
  EXPECT_EQ(value("aws:userid"), "AROAWORKER0000000000:run-1");
  EXPECT_EQ(value("aws:username"), "(none)");
  EXPECT_EQ(value("aws:principaltype"), "AssumedRole");
  EXPECT_EQ(value("aws:principaltag/team"), "blue");
  EXPECT_EQ(value("aws:currenttime"), "2026-11-23T05:00:00Z");
  EXPECT_EQ(value("aws:epochtime"), "1795410000");
  EXPECT_EQ(value("aws:tokenissuetime"), "2026-11-23T04:00:00Z");
  EXPECT_EQ(value("aws:securetransport"), "false");
  EXPECT_EQ(value("aws:sourceip"), "10.0.0.1");
  EXPECT_EQ(value("aws:viaawsservice"), "false");
}

class Policies final : public PolicySource {
 public:
  explicit Policies(std::initializer_list<std::string_view> list) {
    auto own = std::make_shared<PrincipalPolicies>();
    own->identity.push_back(document(statements(list), PolicyKind::kIdentity));
    own_ = std::move(own);
  }
  std::shared_ptr<const PrincipalPolicies> policies_of(const Principal&) const override {
    return own_;
  }

 private:
  std::shared_ptr<const PrincipalPolicies> own_;
};

Denial refused(const Policies& policies, std::string_view action, std::string_view resource) {
  const base::ManualClock clock;
  const std::vector<Check> checks = {
      {.action = std::string(action), .resource = std::string(resource)}};
  const auto answer = Authorizer(policies, clock).authorize(alice(), checks, {});
  EXPECT_FALSE(answer);
  return answer ? Denial{} : answer.error();
}

TEST(Authorizer, WordsRefusalsAsEachFamilyDoes) {
  const Policies silent({R"("Effect":"Allow","Action":"a:b","Resource":"*")"});
  const Denial denial = refused(silent, "kinesis:PutRecord", kStream);
  const api::Error json = to_api_error(denial, ErrorFamily::kJson);
  EXPECT_EQ(json.code, "AccessDeniedException");
  EXPECT_EQ(json.status, 400);
  EXPECT_EQ(
      json.message,
      "User: arn:aws:iam::123456789012:user/team/alice is not authorized to perform: "
      "kinesis:PutRecord on resource: arn:aws:kinesis:us-east-1:123456789012:stream/s because "
      "no identity-based policy allows the kinesis:PutRecord action");
  EXPECT_EQ(to_api_error(denial, ErrorFamily::kRestJson).status, 403);
  EXPECT_EQ(to_api_error(denial, ErrorFamily::kQuery).code, "AccessDenied");

  const Denial object = refused(silent, "s3:GetObject", "arn:aws:s3:::b/k");
  EXPECT_EQ(
      to_api_error(object, ErrorFamily::kS3).message,
      "User: arn:aws:iam::123456789012:user/team/alice is not authorized to perform: "
      "s3:GetObject on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows "
      "the s3:GetObject action");
  const Denial list = refused(silent, "s3:ListAllMyBuckets", "*");
  EXPECT_EQ(to_api_error(list, ErrorFamily::kS3).message,
            "User: arn:aws:iam::123456789012:user/team/alice is not authorized to perform: "
            "s3:ListAllMyBuckets because no identity-based policy allows the s3:ListAllMyBuckets "
            "action");
  const Denial assume = refused(silent, "sts:AssumeRole", "arn:aws:iam::123456789012:role/r");
  EXPECT_EQ(to_api_error(assume, ErrorFamily::kQuery).message,
            "User: arn:aws:iam::123456789012:user/team/alice is not authorized to perform: "
            "sts:AssumeRole on resource: arn:aws:iam::123456789012:role/r");
}

TEST(Authorizer, NamesTheLayerThatDenies) {
  Denial denial{.decision = {Verdict::kExplicitDeny, kIdentity},
                .principal_arn = "arn:aws:iam::1:user/a",
                .action = "a:b",
                .resource = "r"};
  const auto reason = [&](Verdict verdict, PolicyLayer why) {
    denial.decision = {verdict, why};
    const std::string text = denial_text(denial, ErrorFamily::kJson);
    return text.substr(text.find(" r ") + 3);
  };
  EXPECT_EQ(reason(kDenied, kIdentity), "with an explicit deny in an identity-based policy");
  EXPECT_EQ(reason(kDenied, kResource), "with an explicit deny in a resource-based policy");
  EXPECT_EQ(reason(kDenied, kBoundary), "with an explicit deny in a permissions boundary");
  EXPECT_EQ(reason(kDenied, kSession), "with an explicit deny in a session policy");
  EXPECT_EQ(reason(kNo, kResource), "because no resource-based policy allows the a:b action");
  EXPECT_EQ(reason(kNo, kBoundary), "because no permissions boundary allows the a:b action");
  EXPECT_EQ(reason(kNo, kSession), "because no session policy allows the a:b action");
}

TEST(Authorizer, UsesTheChecksOwnConditionKeys) {
  const Policies tagged({R"("Effect":"Allow","Action":"*","Resource":"*",
      "Condition":{"StringEquals":{"aws:RequestTag/env":"prod","aws:username":"alice"}})"});
  const base::ManualClock clock;
  const Authorizer authorizer(tagged, clock);
  std::vector<Check> checks = {
      {.action = "a:b", .resource = "*", .context = {{"aws:RequestTag/env", {"prod"}}}}};
  EXPECT_TRUE(authorizer.authorize(alice(), checks, {}));
  checks[0].context[0].values = {"test"};
  EXPECT_FALSE(authorizer.authorize(alice(), checks, {}));
}

TEST(Authorizer, AsksForCostlyConditionKeysOnlyIfAPolicyLooksAtThem) {
  const Policies plain({R"("Effect":"Allow","Action":"*","Resource":"*")"});
  const Policies looking({R"("Effect":"Allow","Action":"*","Resource":"*",
      "Condition":{"StringEquals":{"a:key":"v","a:other":"w"}})"});
  const base::ManualClock clock;
  int asked = 0;
  std::string value = "v";
  const std::vector<Check> checks = {{.action = "a:b",
                                      .resource = "*",
                                      .context = {{"a:other", {"w"}}},
                                      .add_conditions = [&](Check& check) {
                                        ++asked;
                                        check.context.push_back({"a:key", {value}});
                                      }}};
  EXPECT_TRUE(Authorizer(plain, clock).authorize(alice(), checks, {}));
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(Authorizer(looking, clock).authorize(alice(), checks, {}));
  EXPECT_EQ(asked, 1);
  value = "x";
  EXPECT_FALSE(Authorizer(looking, clock).authorize(alice(), checks, {}));
}

TEST(Authorizer, WantsEveryCheckToPass) {
  const Policies some({R"("Effect":"Allow","Action":"a:b","Resource":"*")"});
  const base::ManualClock clock;
  const std::vector<Check> checks = {{.action = "a:b", .resource = "*"},
                                     {.action = "a:c", .resource = "*"}};
  const auto answer = Authorizer(some, clock).authorize(alice(), checks, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().action, "a:c");
}

}  // namespace
}  // namespace auth
