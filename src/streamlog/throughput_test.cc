#include "streamlog/throughput.h"

#include <gtest/gtest.h>

namespace streamlog {
namespace {

using namespace std::chrono_literals;

int writes_until_refused(ShardLimits& limits, std::size_t bytes, int most) {
  int taken = 0;
  while (taken < most && limits.admit_write(bytes)) ++taken;
  return taken;
}

TEST(TokenBucket, HoldsOneSecondAndFillsEvenly) {
  base::ManualClock clock;
  TokenBucket bucket(10, clock.steady_now());
  EXPECT_TRUE(bucket.has(10, clock.steady_now()));
  bucket.take(10, clock.steady_now());
  EXPECT_FALSE(bucket.has(1, clock.steady_now()));
  clock.advance(100ms);
  EXPECT_TRUE(bucket.has(1, clock.steady_now()));
  EXPECT_FALSE(bucket.has(2, clock.steady_now()));
  clock.advance(1h);
  bucket.take(10, clock.steady_now());
  EXPECT_FALSE(bucket.has(1, clock.steady_now()));
}

TEST(TokenBucket, LetsThroughWhatItCannotHoldAndThenWaits) {
  base::ManualClock clock;
  TokenBucket bucket(10, clock.steady_now());
  EXPECT_TRUE(bucket.has(50, clock.steady_now()));
  bucket.take(50, clock.steady_now());
  clock.advance(4s);
  EXPECT_FALSE(bucket.has(1, clock.steady_now()));
  clock.advance(100ms);
  EXPECT_TRUE(bucket.has(1, clock.steady_now()));
}

TEST(ShardLimits, TakeAThousandRecordsASecond) {
  base::ManualClock clock;
  ShardLimits limits(clock);
  EXPECT_EQ(writes_until_refused(limits, 10, 2'000), 1'000);
  clock.advance(500ms);
  EXPECT_EQ(writes_until_refused(limits, 10, 2'000), 500);
}

TEST(ShardLimits, TakeAMebibyteASecond) {
  base::ManualClock clock;
  ShardLimits limits(clock);
  EXPECT_EQ(writes_until_refused(limits, 64U << 10U, 100), 16);
  // What was refused has cost nothing: a smaller record that fits is not held up.
  clock.advance(10ms);
  EXPECT_FALSE(limits.admit_write(64U << 10U));
  EXPECT_TRUE(limits.admit_write(10U << 10U));
}

TEST(ShardLimits, LargeRecordsPassAndThenMakeTheShardWait) {
  base::ManualClock clock;
  ShardLimits limits(clock);
  EXPECT_TRUE(limits.admit_write(10U << 20U));
  clock.advance(8s);
  EXPECT_FALSE(limits.admit_write(1));
  clock.advance(2s);
  EXPECT_TRUE(limits.admit_write(1));
}

TEST(ShardLimits, GiveFiveReadsASecond) {
  base::ManualClock clock;
  ShardLimits limits(clock);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limits.admit_read());
  EXPECT_FALSE(limits.admit_read());
  clock.advance(200ms);
  EXPECT_TRUE(limits.admit_read());
  EXPECT_FALSE(limits.admit_read());
}

TEST(ShardLimits, ALargePageMakesTheNextReadsWait) {
  base::ManualClock clock;
  ShardLimits limits(clock);
  EXPECT_TRUE(limits.admit_read());
  limits.charge_read(10U << 20U);
  clock.advance(4s);
  EXPECT_FALSE(limits.admit_read());
  clock.advance(10ms);
  EXPECT_TRUE(limits.admit_read());
}

}  // namespace
}  // namespace streamlog
