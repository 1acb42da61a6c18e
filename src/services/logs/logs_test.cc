#include "services/logs/logs.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "async/manual_core.h"
#include "auth/policy.h"
#include "store/memory_store.h"
#include "wire/caller.h"

namespace services::logs {
namespace {

namespace l = api::logs;
using testing::ElementsAre;
using testing::IsEmpty;

// Everyone who is not root has the one policy that the test names.
class OnePolicy final : public auth::PolicySource {
 public:
  void set(std::string_view text) {
    auto policy = auth::parse_policy(text, auth::PolicyKind::kIdentity);
    ASSERT_TRUE(policy.has_value());
    policies_ = std::make_shared<auth::PrincipalPolicies>();
    policies_->identity.push_back(std::make_shared<const auth::PolicyDocument>(*std::move(policy)));
  }
  std::shared_ptr<const auth::PrincipalPolicies> policies_of(
      const auth::Principal&) const override {
    return policies_;
  }

 private:
  std::shared_ptr<auth::PrincipalPolicies> policies_;
};

class LogsTest : public testing::Test {
 protected:
  LogsTest() {
    register_operations(registry, deps);
    be(auth::root_principal(kAccount));
  }

  void be(auth::Principal principal) {
    context.principal = std::make_shared<const auth::Principal>(std::move(principal));
    context.account_id = kAccount;
    context.region = "us-east-1";
    context.request_id = "r";
  }
  template <class Op>
  api::Outcome<typename Op::Output> call(typename Op::Input input) {
    return core.run(caller.call<Op>(context, std::move(input)));
  }
  void make(const std::string& stream = "s") {
    (void)call<l::op::CreateLogGroup>({.log_group_name = "g"});
    const auto made =
        call<l::op::CreateLogStream>({.log_group_name = "g", .log_stream_name = stream});
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
  std::int64_t now() { return base::to_epoch_ms(clock.now()); }
  // Events at `now() + offset`.
  api::Outcome<l::PutLogEventsResponse> put(
      std::vector<std::pair<std::int64_t, std::string>> events, std::string stream = "s") {
    std::vector<l::InputLogEvent> list;
    for (auto& [offset, message] : events)
      list.push_back({.timestamp = now() + offset, .message = std::move(message)});
    return call<l::op::PutLogEvents>({.log_group_name = "g",
                                      .log_stream_name = std::move(stream),
                                      .log_events = std::move(list)});
  }
  struct Page {
    std::vector<std::string> messages;
    std::string forward;
    std::string backward;
  };
  Page get(l::GetLogEventsRequest input) {
    input.log_group_name = "g";
    input.log_stream_name = "s";
    const auto got = call<l::op::GetLogEvents>(std::move(input));
    EXPECT_TRUE(got.has_value()) << got.error().message;
    Page page{.forward = *got->next_forward_token, .backward = *got->next_backward_token};
    for (const auto& event : *got->events) page.messages.push_back(*event.message);
    return page;
  }
  std::vector<std::string> filter(l::FilterLogEventsRequest input, std::string* token = nullptr) {
    input.log_group_name = "g";
    std::vector<std::string> found;
    const auto got = call<l::op::FilterLogEvents>(std::move(input));
    EXPECT_TRUE(got.has_value()) << got.error().message;
    for (const auto& event : *got->events)
      found.push_back(*event.log_stream_name + ":" + *event.message);
    if (token != nullptr) *token = got->next_token.value_or("");
    return found;
  }

  static constexpr const char* kAccount = "000000000000";
  base::ManualClock clock;
  base::SeededRandom random{1};
  base::Sealer sealer{std::string(base::Sealer::kKeyBytes, 'k'), random};
  async::ManualCore core{clock};
  store::MemoryStore store;
  journal::Journal journal{store, core, clock};
  metrics::Recorder recorder{{&core}};
  metrics::Metrics metrics{store, core, clock, recorder};
  Deps deps{journal, sealer, clock, metrics};
  wire::Registry registry;
  OnePolicy policy;
  auth::Authorizer authorizer{policy, clock};
  wire::Caller caller{registry, authorizer};
  wire::Context context;
};

TEST_F(LogsTest, PutsAndGetsWithTokensThatStayWhileTheStreamGrows) {
  make();
  ASSERT_TRUE(put({{0, "1"}, {0, "2"}, {1, "3"}, {2, "4"}}).has_value());
  const Page tail = get({.limit = 2});
  EXPECT_THAT(tail.messages, ElementsAre("3", "4"));
  const Page before = get({.next_token = tail.backward, .limit = 2});
  EXPECT_THAT(before.messages, ElementsAre("1", "2"));
  const Page start = get({.next_token = before.backward});
  EXPECT_THAT(start.messages, IsEmpty());
  EXPECT_EQ(start.backward, before.backward);
  const Page again = get({.next_token = before.forward, .limit = 1});
  EXPECT_THAT(again.messages, ElementsAre("3"));
  const Page end = get({.next_token = tail.forward});
  EXPECT_THAT(end.messages, IsEmpty());
  EXPECT_EQ(end.forward, tail.forward);
  ASSERT_TRUE(put({{2, "5"}}).has_value());
  EXPECT_THAT(get({.next_token = end.forward}).messages, ElementsAre("5"));
  EXPECT_THAT(get({.next_token = tail.backward, .limit = 2}).messages, ElementsAre("1", "2"));
  EXPECT_THAT(get({.limit = 3, .start_from_head = true}).messages, ElementsAre("1", "2", "3"));
  EXPECT_THAT(get({.start_time = now() + 1, .end_time = now() + 2}).messages, ElementsAre("3"));
}

TEST_F(LogsTest, AnEmptyStreamsTokenFindsWhatComesLater) {
  make();
  const Page empty = get({});
  EXPECT_THAT(empty.messages, IsEmpty());
  ASSERT_TRUE(put({{0, "1"}}).has_value());
  EXPECT_THAT(get({.next_token = empty.forward}).messages, ElementsAre("1"));
}

TEST_F(LogsTest, BadTokensAreRefused) {
  make();
  const auto got = call<l::op::GetLogEvents>(
      {.log_group_name = "g", .log_stream_name = "s", .next_token = "invalid"});
  EXPECT_EQ(got.error().code, "InvalidParameterException");
  EXPECT_EQ(got.error().message, "The specified nextToken is invalid.");
  const auto found = call<l::op::FilterLogEvents>({.log_group_name = "g", .next_token = "invalid"});
  EXPECT_EQ(found.error().message, "The specified nextToken is invalid.");
}

TEST_F(LogsTest, SaysWhatIsMissingAndWhatIsThere) {
  const auto no_group = put({{0, "x"}});
  EXPECT_EQ(no_group.error().code, "ResourceNotFoundException");
  EXPECT_EQ(no_group.error().message, "The specified log group does not exist.");
  make();
  EXPECT_EQ(put({{0, "x"}}, "none").error().message, "The specified log stream does not exist.");
  const auto group = call<l::op::CreateLogGroup>({.log_group_name = "g"});
  EXPECT_EQ(group.error().code, "ResourceAlreadyExistsException");
  EXPECT_EQ(group.error().message, "The specified log group already exists");
  const auto stream = call<l::op::CreateLogStream>({.log_group_name = "g", .log_stream_name = "s"});
  EXPECT_EQ(stream.error().message, "The specified log stream already exists");
  const auto gone = call<l::op::DeleteLogGroup>({.log_group_name = "none"});
  EXPECT_EQ(gone.error().message, "The specified log group does not exist.");
}

TEST_F(LogsTest, RefusesBatchesBeyondTheLimits) {
  make();
  EXPECT_EQ(put({{1, "x"}, {0, "y"}}).error().message,
            "Log events in a single PutLogEvents request must be in chronological order.");
  EXPECT_EQ(put({{-90'000'000, "x"}, {0, "y"}}).error().code, "InvalidParameterException");
  EXPECT_EQ(put({{0, std::string(1'048'576, 'x')}}).error().message,
            "Log event too large: 1048602 bytes exceeds limit of 1048576");
  EXPECT_EQ(put({{0, std::string(600'000, 'x')}, {0, std::string(600'000, 'x')}}).error().message,
            "Upload too large: 1200052 bytes exceeds limit of 1048576");
  EXPECT_TRUE(put({{0, std::string(1'048'550, 'x')}}).has_value());
}

TEST_F(LogsTest, TakesTheEventsThatAreNeitherTooOldNorTooNew) {
  make();
  constexpr std::int64_t kHour = 3'600'000;
  const auto old = put({{-15 * 24 * kHour, "old"}});
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(old->rejected_log_events_info->too_old_log_event_end_index, 1);
  EXPECT_TRUE(old->next_sequence_token.has_value());
  const auto mixed = put({{0, "fine"}, {2 * kHour, "edge"}, {2 * kHour + 1, "new"}});
  EXPECT_EQ(mixed->rejected_log_events_info->too_new_log_event_start_index, 2);
  ASSERT_TRUE(call<l::op::PutRetentionPolicy>({.log_group_name = "g", .retention_in_days = 1}));
  const auto expired = put({{-25 * kHour, "expired"}, {-2 * kHour, "kept"}});
  EXPECT_EQ(expired->rejected_log_events_info->expired_log_event_end_index, 1);
  EXPECT_THAT(get({}).messages, ElementsAre("kept", "fine", "edge"));
  EXPECT_FALSE(put({{0, "all well"}})->rejected_log_events_info.has_value());
}

TEST_F(LogsTest, FiltersStreamsByPatternNameAndTime) {
  make("a");
  make("b");
  ASSERT_TRUE(put({{0, "ERROR 1"}, {2, "fine"}}, "a").has_value());
  ASSERT_TRUE(put({{1, "ERROR 2"}, {3, "{\"n\": 3}"}}, "b").has_value());
  EXPECT_THAT(filter({}), ElementsAre("a:ERROR 1", "b:ERROR 2", "a:fine", "b:{\"n\": 3}"));
  EXPECT_THAT(filter({.filter_pattern = "ERROR"}), ElementsAre("a:ERROR 1", "b:ERROR 2"));
  EXPECT_THAT(filter({.filter_pattern = "{ $.n > 2 }"}), ElementsAre("b:{\"n\": 3}"));
  EXPECT_THAT(filter({.log_stream_names = {{"a"}}}), ElementsAre("a:ERROR 1", "a:fine"));
  EXPECT_THAT(filter({.log_stream_names = {{"a", "b"}}, .filter_pattern = "-ERROR"}),
              ElementsAre("a:fine", "b:{\"n\": 3}"));
  EXPECT_THAT(filter({.log_stream_name_prefix = "b", .filter_pattern = "ERROR"}),
              ElementsAre("b:ERROR 2"));
  EXPECT_THAT(filter({.start_time = now() + 1, .end_time = now() + 2}),
              ElementsAre("b:ERROR 2", "a:fine"));
  const auto bad = call<l::op::FilterLogEvents>({.log_group_name = "g", .filter_pattern = "{"});
  EXPECT_EQ(bad.error().code, "InvalidParameterException");
  EXPECT_EQ(bad.error().message, "Invalid filter pattern");
  const auto none =
      call<l::op::FilterLogEvents>({.log_group_name = "g", .log_stream_names = {{"a", "none"}}});
  EXPECT_EQ(none.error().message, "The specified log stream does not exist.");
}

TEST_F(LogsTest, FilterPagesHaveAllEventsOnce) {
  make("a");
  make("b");
  std::vector<std::pair<std::int64_t, std::string>> events;
  for (int i = 0; i < 700; ++i) events.emplace_back(i / 3, std::to_string(i));
  ASSERT_TRUE(put(events, "a").has_value());
  ASSERT_TRUE(put(events, "b").has_value());
  for (const bool one : {true, false}) {
    std::size_t count = 0;
    std::string token;
    do {
      l::FilterLogEventsRequest input{.filter_pattern = "7", .limit = 11};
      if (!token.empty()) input.next_token = token;
      if (one) input.log_stream_names = {"a"};
      count += filter(std::move(input), &token).size();
    } while (!token.empty());
    EXPECT_EQ(count, one ? 133U : 266U);
  }
}

// As `aws logs tail --follow` does: from the newest time seen, forgetting ids seen at that time.
TEST_F(LogsTest, FollowersSeeEveryEventOnce) {
  make("a");
  make("b");
  std::vector<std::string> shown;
  std::set<std::string> seen;
  std::int64_t from = 0;
  const auto look = [&] {
    const auto got = call<l::op::FilterLogEvents>(
        {.log_group_name = "g", .start_time = from, .interleaved = true});
    for (const auto& event : *got->events) {
      if (!seen.insert(*event.event_id).second) continue;
      shown.push_back(*event.message);
      from = std::max(from, *event.timestamp);
    }
  };
  ASSERT_TRUE(put({{5, "1"}}, "b").has_value());
  look();
  ASSERT_TRUE(put({{5, "2"}}, "a").has_value());
  look();
  ASSERT_TRUE(put({{6, "3"}}, "b").has_value());
  look();
  look();
  EXPECT_THAT(shown, ElementsAre("1", "2", "3"));
}

TEST_F(LogsTest, DescribesGroups) {
  for (const char* name : {"/a/1", "/a/2", "/b/1"})
    ASSERT_TRUE(call<l::op::CreateLogGroup>({.log_group_name = name}));
  const auto first = call<l::op::DescribeLogGroups>({.log_group_name_prefix = "/a", .limit = 1});
  ASSERT_EQ(first->log_groups->size(), 1U);
  const l::LogGroup& group = first->log_groups->front();
  EXPECT_EQ(group.arn, "arn:aws:logs:us-east-1:000000000000:log-group:/a/1:*");
  EXPECT_EQ(group.log_group_arn, "arn:aws:logs:us-east-1:000000000000:log-group:/a/1");
  EXPECT_EQ(group.stored_bytes, 0);
  EXPECT_EQ(group.log_group_class, "STANDARD");
  EXPECT_FALSE(group.retention_in_days.has_value());
  const auto second = call<l::op::DescribeLogGroups>(
      {.log_group_name_prefix = "/a", .next_token = first->next_token, .limit = 1});
  EXPECT_EQ(second->log_groups->front().log_group_name, "/a/2");
  EXPECT_FALSE(second->next_token.has_value());
  const auto pattern = call<l::op::DescribeLogGroups>({.log_group_name_pattern = "B/"});
  EXPECT_EQ(pattern->log_groups->size(), 1U);
  const auto both =
      call<l::op::DescribeLogGroups>({.log_group_name_prefix = "a", .log_group_name_pattern = "b"});
  EXPECT_EQ(both.error().message,
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  const auto listed = call<l::op::ListLogGroups>({.log_group_name_pattern = "^/b/|/a/2"});
  EXPECT_EQ(listed->log_groups->size(), 2U);
}

TEST_F(LogsTest, DescribesStreamsByNameOrIdentifier) {
  make("a");
  make("b");
  ASSERT_TRUE(put({{0, "x"}}, "b").has_value());
  const auto by_time = call<l::op::DescribeLogStreams>(
      {.log_group_identifier = "arn:aws:logs:us-east-1:000000000000:log-group:g",
       .order_by = "LastEventTime",
       .descending = true,
       .limit = 1});
  ASSERT_TRUE(by_time.has_value()) << by_time.error().message;
  const l::LogStream& stream = by_time->log_streams->front();
  EXPECT_EQ(stream.log_stream_name, "b");
  EXPECT_EQ(stream.arn, "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:b");
  EXPECT_EQ(stream.last_event_timestamp, now());
  EXPECT_TRUE(stream.upload_sequence_token.has_value());
  const auto rest = call<l::op::DescribeLogStreams>({.log_group_name = "g",
                                                     .order_by = "LastEventTime",
                                                     .descending = true,
                                                     .next_token = by_time->next_token});
  EXPECT_EQ(rest->log_streams->front().log_stream_name, "a");
  EXPECT_FALSE(rest->log_streams->front().first_event_timestamp.has_value());
  const auto both =
      call<l::op::DescribeLogStreams>({.log_group_name = "g", .log_group_identifier = "g"});
  EXPECT_EQ(both.error().code, "ValidationException");
}

TEST_F(LogsTest, TagsByNameAndByArn) {
  ASSERT_TRUE(call<l::op::CreateLogGroup>({.log_group_name = "g", .tags = {{{"env", "test"}}}}));
  const std::string arn = "arn:aws:logs:us-east-1:000000000000:log-group:g";
  ASSERT_TRUE(call<l::op::TagResource>({.resource_arn = arn, .tags = {{{"a", "1"}}}}));
  ASSERT_TRUE(call<l::op::TagLogGroup>({.log_group_name = "g", .tags = {{{"b", "2"}}}}));
  ASSERT_TRUE(call<l::op::UntagResource>({.resource_arn = arn, .tag_keys = {{"env"}}}));
  const std::map<std::string, std::string> expected{{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(call<l::op::ListTagsForResource>({.resource_arn = arn})->tags, expected);
  EXPECT_EQ(call<l::op::ListTagsLogGroup>({.log_group_name = "g"})->tags, expected);
}

TEST_F(LogsTest, AFunctionsRoleMayWriteToItsOwnGroupOnly) {
  make();
  be(auth::role_session_principal(kAccount, "/", "r", "AROAX", "f"));
  policy.set(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":
    ["logs:PutLogEvents","logs:CreateLogStream"],"Resource":
    "arn:aws:logs:us-east-1:000000000000:log-group:g:*"}]})");
  EXPECT_TRUE(put({{0, "x"}}).has_value());
  const auto other = call<l::op::CreateLogStream>({.log_group_name = "h", .log_stream_name = "s"});
  EXPECT_EQ(other.error().code, "AccessDeniedException");
  EXPECT_EQ(call<l::op::DescribeLogGroups>({}).error().code, "AccessDeniedException");
  policy.set(R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*",
    "Resource":"arn:aws:logs:*:*:*"}]})");
  EXPECT_TRUE(call<l::op::DescribeLogGroups>({}).has_value());
  EXPECT_TRUE(call<l::op::CreateLogGroup>({.log_group_name = "h"}).has_value());
}

TEST_F(LogsTest, WhatIsNotServedSaysSo) {
  const auto query = call<l::op::StartQuery>(
      {.log_group_name = "g", .start_time = 0, .end_time = 1, .query_string = "fields @message"});
  EXPECT_EQ(query.error().code, "UnknownOperationException");
}

TEST_F(LogsTest, MetricsThatLinesCarryAreKept) {
  ASSERT_TRUE(core.run(metrics.open()).has_value());
  make();
  const std::int64_t now = base::to_epoch_ms(clock.now());
  const std::string line = fmt::format(
      R"({{"_aws":{{"Timestamp":{},"CloudWatchMetrics":[{{"Namespace":"App","Dimensions":)"
      R"([["service"]],"Metrics":[{{"Name":"n","Unit":"Count"}}]}}]}},"service":"s","n":[1,2]}})",
      now);
  l::PutLogEventsRequest request{.log_group_name = "g", .log_stream_name = "s"};
  auto& events = request.log_events.emplace();
  for (const std::string& message : {std::string("a line"), line})
    events.push_back({.timestamp = now, .message = message});
  ASSERT_TRUE(call<l::op::PutLogEvents>(std::move(request)).has_value());
  const auto points = core.run(metrics.read({.metric = {.account_id = kAccount,
                                                        .region = "us-east-1",
                                                        .space = "App",
                                                        .name = "n",
                                                        .dimensions = {{"service", "s"}}},
                                             .unit = "Count",
                                             .from = clock.now() - std::chrono::minutes(2),
                                             .to = clock.now() + std::chrono::minutes(1),
                                             .origin = base::from_epoch_ms(0)}));
  ASSERT_TRUE(points.has_value());
  ASSERT_EQ(points->size(), 1U);
  EXPECT_EQ(points->front().points.front().values.statistics().sum, 3);
}

}  // namespace
}  // namespace services::logs
