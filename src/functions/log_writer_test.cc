#include "functions/log_writer.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"

namespace functions {
namespace {

using namespace std::chrono_literals;

class FakeSink final : public LogSink {
 public:
  async::Task<base::Status> write(LogDestination, std::vector<LogLine> lines) override {
    std::string text;
    for (const LogLine& line : lines) text += line.text;
    written.push_back(std::move(text));
    co_return base::Status();
  }
  std::vector<std::string> written;
};

class LogWriterTest : public testing::Test {
 protected:
  void TearDown() override {
    if (!std::exchange(closed_, true)) core_.run(writer_.close());
  }
  void say(const std::string& text) { writer_.append(clock_.now(), text); }

  base::ManualClock clock_;
  async::ManualCore core_{clock_};
  FakeSink sink_;
  LogWriter writer_{core_, sink_, {}};
  bool closed_ = false;
};

TEST_F(LogWriterTest, WritesWithinTheIntervalWithoutAFlush) {
  say("a");
  core_.run_for(kLogFlushInterval - 1ms);
  EXPECT_TRUE(sink_.written.empty());
  core_.run_for(1ms);
  EXPECT_EQ(sink_.written, std::vector<std::string>{"a"});
}

TEST_F(LogWriterTest, FlushesAtOnceAfterAPauseAndGathersWhatFollowsClosely) {
  core_.run_for(kLogFlushInterval);
  say("a");
  writer_.flush();
  core_.run_ready();
  EXPECT_EQ(sink_.written, std::vector<std::string>{"a"});
  for (const char* const line : {"b", "c"}) {
    say(line);
    writer_.flush();
    core_.run_ready();
  }
  EXPECT_EQ(sink_.written.size(), 1U);
  core_.run_for(kLogFlushInterval);
  EXPECT_EQ(sink_.written, (std::vector<std::string>{"a", "bc"}));
  core_.run_for(kLogFlushInterval);
  say("d");
  writer_.flush();
  core_.run_ready();
  EXPECT_EQ(sink_.written.back(), "d");
}

TEST_F(LogWriterTest, WritesAFullBatchAtOnce) {
  say("a");
  writer_.flush();
  core_.run_ready();
  const std::string line(kLogLineBytesMax / 4, 'x');
  for (int i = 0; i < 5; ++i) say(line);
  core_.run_ready();
  EXPECT_EQ(sink_.written.size(), 2U);
}

TEST_F(LogWriterTest, WritesWhatIsLeftWhenItEnds) {
  say("a");
  closed_ = true;
  core_.run(writer_.close());
  EXPECT_EQ(sink_.written, std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace functions
