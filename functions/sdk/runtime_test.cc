#include "sdk/runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "sdk/fakes.h"

namespace sdk {
namespace {

using ::testing::SizeIs;

Response next_answer(std::string payload, std::string deadline_ms) {
  return {.status = 200,
          .headers = {{"Lambda-Runtime-Aws-Request-Id", "id-1"},
                      {"Lambda-Runtime-Deadline-Ms", std::move(deadline_ms)},
                      {"Lambda-Runtime-Invoked-Function-Arn", "arn"},
                      {"Lambda-Runtime-Trace-Id", "Root=1"},
                      {"Lambda-Runtime-Client-Context", "{}"}},
          .body = std::move(payload)};
}

const Response kAccepted{.status = 202, .headers = {}, .body = {}};

class RuntimeTest : public ::testing::Test {
 protected:
  Result<void> serve(const Handler& handler) { return serve_one(client, handler, clock, log); }

  FakeClock clock;
  FakeLog log;
  FakeTransport transport;
  RuntimeClient client{transport};
};

TEST_F(RuntimeTest, HandsTheEventOverAndPostsTheAnswer) {
  transport.answers = {next_answer("{\"a\":1}", std::to_string(clock.now + 1500)), kAccepted};
  const auto served = serve([](const Event& event, const Context& context) -> Result<std::string> {
    EXPECT_EQ(event.payload, "{\"a\":1}");
    EXPECT_EQ(event.request_id, "id-1");
    EXPECT_EQ(event.function_arn, "arn");
    EXPECT_EQ(event.trace_id, "Root=1");
    EXPECT_EQ(event.client_context, "{}");
    EXPECT_EQ(context.remaining(), 1500);
    return "\"done\"";
  });
  EXPECT_TRUE(served);
  ASSERT_THAT(transport.requests, SizeIs(2));
  EXPECT_EQ(transport.requests[0].target, "/2018-06-01/runtime/invocation/next");
  EXPECT_TRUE(transport.deadlines[0].is_never());
  EXPECT_EQ(transport.requests[1].target, "/2018-06-01/runtime/invocation/id-1/response");
  EXPECT_EQ(transport.requests[1].body, "\"done\"");
}

TEST_F(RuntimeTest, ReportsAnErrorInLambdasShape) {
  transport.answers = {next_answer("", "1"), kAccepted};
  EXPECT_TRUE(serve([](const Event&, const Context& context) -> Result<std::string> {
    EXPECT_EQ(context.remaining(), 0);
    return failure(Fault::kInput, "Bad", "a \"quote\"");
  }));
  ASSERT_THAT(transport.requests, SizeIs(2));
  EXPECT_EQ(transport.requests[1].target, "/2018-06-01/runtime/invocation/id-1/error");
  EXPECT_EQ(transport.requests[1].body,
            R"({"errorType":"Bad","errorMessage":"a \"quote\"","stackTrace":[]})");
  ASSERT_THAT(transport.requests[1].headers, SizeIs(2));
  EXPECT_EQ(transport.requests[1].headers[1].value, "Bad");
  EXPECT_THAT(log.lines, SizeIs(1));
}

TEST_F(RuntimeTest, TurnsExceptionsIntoErrors) {
  transport.answers = {next_answer("", ""), kAccepted, next_answer("", ""), kAccepted};
  EXPECT_TRUE(serve([](const Event&, const Context&) -> Result<std::string> {
    throw std::out_of_range("too far");
  }));
  EXPECT_EQ(transport.requests[1].body,
            R"({"errorType":"std::out_of_range","errorMessage":"too far","stackTrace":[]})");
  EXPECT_TRUE(serve([](const Event&, const Context&) -> Result<std::string> { throw 7; }));
  EXPECT_EQ(transport.requests[3].target, "/2018-06-01/runtime/invocation/id-1/error");
}

TEST_F(RuntimeTest, ReportsARefusedResponseAsAnError) {
  transport.answers = {next_answer("", ""), Response{.status = 413, .headers = {}, .body = {}},
                       kAccepted};
  EXPECT_TRUE(serve([](const Event&, const Context&) -> Result<std::string> { return "x"; }));
  ASSERT_THAT(transport.requests, SizeIs(3));
  EXPECT_EQ(transport.requests[2].target, "/2018-06-01/runtime/invocation/id-1/error");
}

TEST_F(RuntimeTest, FailsIfTheRuntimeIsGone) {
  EXPECT_FALSE(serve([](const Event&, const Context&) -> Result<std::string> { return "x"; }));
}

TEST(EventFrom, RefusesAnAnswerThatIsNoInvocation) {
  EXPECT_FALSE(event_from({.status = 500, .headers = {}, .body = {}}));
  EXPECT_FALSE(event_from({.status = 200, .headers = {}, .body = {}}));
  EXPECT_FALSE(event_from(next_answer("", "soon")));
}

TEST(Log, KeepsForeignTextOnOneLine) { EXPECT_EQ(one_line("a\nb\tc\x1b[0m"), "a b c [0m"); }

}  // namespace
}  // namespace sdk
