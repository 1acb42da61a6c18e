#include <gtest/gtest.h>

#include "async/asio_core.h"
#include "async/blocking.h"
#include "async/gate.h"
#include "async/manual_core.h"
#include "async/mutex.h"
#include "async/signal.h"
#include "async/timer.h"
#include "async/when_all.h"

namespace async {
namespace {

using namespace std::chrono_literals;

Task<int> number(int value) { co_return value; }
Task<int> fails() {
  throw std::runtime_error("no");
  co_return 0;
}

class AsyncTest : public testing::Test {
 protected:
  base::ManualClock clock;
  ManualCore core{clock};
};

TEST_F(AsyncTest, TaskHandsItsValueToTheAwaiter) { EXPECT_EQ(core.run(number(7)), 7); }

TEST_F(AsyncTest, DeepChainsDoNotGrowTheStack) {
  const auto sum = [](int count) -> Task<int> {
    int total = 0;
    for (int i = 0; i < count; ++i) total += co_await number(1);
    co_return total;
  };
  EXPECT_EQ(core.run(sum(200'000)), 200'000);
}

TEST_F(AsyncTest, ExceptionsReachTheAwaiter) {
  const auto catches = []() -> Task<bool> {
    try {
      co_await fails();
    } catch (const std::runtime_error&) {
      co_return true;
    }
    co_return false;
  };
  EXPECT_TRUE(core.run(catches()));
}

TEST_F(AsyncTest, SleepingCostsNoRealTime) {
  const auto before = core.now();
  EXPECT_TRUE(core.run(sleep_for(24h)));
  EXPECT_EQ(core.now() - before, 24h);
}

TEST_F(AsyncTest, StopEndsASleep) {
  std::stop_source stop;
  core.schedule(core.now() + 1s, [&] { stop.request_stop(); });
  EXPECT_FALSE(core.run(sleep_for(1h, stop.get_token())));
}

TEST_F(AsyncTest, SignalIsNotLostBetweenLookingAndWaiting) {
  Signal signal;
  const auto seen = signal.version();
  signal.notify();
  EXPECT_TRUE(core.run(signal.wait_past(seen)));
  EXPECT_FALSE(core.run(signal.wait_past(signal.version(), core.now() + 1s)));
}

TEST_F(AsyncTest, MutexLetsOneThroughInOrder) {
  Mutex mutex;
  std::string trace;
  const auto use = [](Mutex& m, std::string& out, char name) -> Task<int> {
    const auto lock = co_await m.lock();
    out += name;
    co_await sleep_for(1s);
    out += name;
    co_return 0;
  };
  std::vector<Task<int>> tasks;
  for (const char name : {'a', 'b', 'c'}) tasks.push_back(use(mutex, trace, name));
  core.run(when_all(std::move(tasks)));
  EXPECT_EQ(trace, "aabbcc");
}

TEST_F(AsyncTest, GateWaitsForWhatIsInsideAndDropsNewcomers) {
  Gate gate;
  int ended = 0;
  const auto work = [](int& count) -> Task<void> {
    co_await sleep_for(1s);
    ++count;
  };
  spawn(core, gate, work(ended));
  spawn(core, gate, work(ended));
  core.run(gate.close());
  spawn(core, gate, work(ended));
  core.run_for(5s);
  EXPECT_EQ(ended, 2);
}

TEST(AsioCore, HopsBetweenCoresAndBack) {
  CorePool pool(2);
  const auto hop = [](CorePool& cores) -> Task<bool> {
    co_await on(cores.core(1));
    const bool there = Core::current() == &cores.core(1);
    const int value = co_await run_on(cores.core(0), number(3));
    co_return there&& value == 3 && Core::current() == &cores.core(1);
  };
  EXPECT_TRUE(wait_for(pool.core(0), hop(pool)));
}

TEST(AsioCore, RunsBlockingWorkElsewhere) {
  CorePool pool(1);
  BlockingPool blocking(2);
  const auto use = [](BlockingPool& threads) -> Task<int> {
    const int answer = co_await threads.run([] { return Core::current() == nullptr ? 1 : 0; });
    co_return answer;
  };
  EXPECT_EQ(wait_for(pool.core(0), use(blocking)), 1);
}

TEST(AsioCore, TimersFireAndCancel) {
  CorePool pool(1);
  EXPECT_TRUE(wait_for(pool.core(0), sleep_for(1ms)));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(wait_for(pool.core(0), sleep_for(1h, stop.get_token())));
}

}  // namespace
}  // namespace async
