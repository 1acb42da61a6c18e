#include "functions/response_pipe.h"

#include <gtest/gtest.h>

#include "async/core.h"
#include "async/gate.h"
#include "async/manual_core.h"

namespace functions {
namespace {

using async::Task;

Task<void> write(ResponsePipePtr pipe, std::string bytes, bool& written) {
  co_await pipe->write(std::move(bytes));
  written = true;
}
Task<std::string> read_all(ResponsePipePtr pipe) {
  std::string all;
  for (;;) {
    auto piece = co_await pipe->read();
    if (!piece) co_return all;
    all += *piece;
  }
}
Task<std::optional<ResponsePipe::Head>> head_of(ResponsePipePtr pipe) {
  auto head = co_await pipe->head();
  co_return head;
}

class ResponsePipeTest : public testing::Test {
 protected:
  void begin_write(std::string bytes, bool& written) {
    async::spawn(core, write(pipe, std::move(bytes), written));
    core.run_ready();
  }
  base::ManualClock clock;
  async::ManualCore core{clock};
  ResponsePipePtr pipe = std::make_shared<ResponsePipe>();
};

TEST_F(ResponsePipeTest, HoldsTheWriterBackUntilSomebodyReads) {
  pipe->begin({.version = "7", .content_type = "text/plain"});
  bool first = false;
  bool second = false;
  begin_write(std::string(kPipeBytesMax, 'a'), first);
  EXPECT_TRUE(first);
  begin_write("b", second);
  EXPECT_FALSE(second);
  EXPECT_EQ(core.run(head_of(pipe))->version, "7");
  core.run(pipe->read());
  core.run_ready();
  EXPECT_TRUE(second);
  InvocationResult result;
  result.log_tail = "log";
  pipe->finish(result);
  EXPECT_EQ(core.run(read_all(pipe)), "b");
  EXPECT_EQ(pipe->outcome()->log_tail, "log");
}

TEST_F(ResponsePipeTest, TakesAWholeAnswerForAPiece) {
  InvocationResult result;
  result.version = "$LATEST";
  result.payload = "{}";
  result.content_type = "application/json";
  pipe->finish(result);
  pipe->finish(std::unexpected(api::Error{}));  // too late
  EXPECT_EQ(core.run(head_of(pipe))->content_type, "application/json");
  EXPECT_EQ(core.run(read_all(pipe)), "{}");
  EXPECT_TRUE(pipe->outcome());
}

TEST_F(ResponsePipeTest, HasNoHeadWhereNothingWasWritten) {
  InvocationResult result;
  result.function_error = "Unhandled";
  result.payload = "details";
  pipe->finish(result);
  EXPECT_FALSE(core.run(head_of(pipe)));
  EXPECT_EQ(core.run(read_all(pipe)), "");
  EXPECT_EQ(pipe->outcome()->payload, "details");
}

TEST_F(ResponsePipeTest, LetsTheWriterGoWhenNobodyReads) {
  pipe->begin({});
  bool written = false;
  begin_write(std::string(2 * kPipeBytesMax, 'a'), written);
  EXPECT_FALSE(written);
  {
    const ResponseReader reader(pipe);
  }
  core.run_ready();
  EXPECT_TRUE(written);
}

TEST_F(ResponsePipeTest, LetsTheWriterGoWhenTheInvocationIsOver) {
  pipe->begin({});
  bool written = false;
  begin_write(std::string(2 * kPipeBytesMax, 'a'), written);
  InvocationResult result;
  result.function_error = "Unhandled";
  pipe->finish(result);
  core.run_ready();
  EXPECT_TRUE(written);
}

}  // namespace
}  // namespace functions
