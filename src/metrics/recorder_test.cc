#include "metrics/recorder.h"

#include <gtest/gtest.h>

#include <thread>

namespace metrics {
namespace {

using namespace std::chrono_literals;

constexpr Metric kFigures[] = {{"Bytes", "Bytes"}, {"Records", "Count"}};
constexpr Family kFamily{"AWS/Test", {"Name", "Shard"}, kFigures};
const auto kNow = base::from_epoch_ms(1'800'000'000'000);

TEST(Recorder, GathersBySourceAndMinute) {
  Recorder recorder({});
  recorder.record({kFamily, "1", "here", {"a", "0"}}, kNow, {{0, 10}, {1, 1}});
  recorder.record({kFamily, "1", "here", {"a", "0"}}, kNow + 59s, {{0, 5}});
  recorder.record({kFamily, "1", "here", {"a", "1"}}, kNow, {{0, 1}});
  recorder.record({kFamily, "1", "here", {"a", "0"}}, kNow + 60s, {{0, 2}});
  const auto all = recorder.drain();
  ASSERT_EQ(all.size(), 3U);
  double sum = 0;
  for (const Recorded& recorded : all) {
    if (recorded.values[1] != "0") continue;
    sum += recorded.buckets[0].statistics().sum;
    EXPECT_EQ(recorded.buckets[1].empty(), recorded.minute != 30'000'000);
  }
  EXPECT_EQ(sum, 17);
  EXPECT_TRUE(recorder.drain().empty());
}

TEST(Recorder, ThreadsMayRecordWhileOthersDrain) {
  Recorder recorder({});
  constexpr int kEach = 20'000;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&recorder] {
      for (int i = 0; i < kEach; ++i)
        recorder.record({kFamily, "1", "here", {"a", "0"}}, kNow, {{1, 1}});
    });
  double count = 0;
  const auto drain = [&] {
    for (const Recorded& recorded : recorder.drain())
      count += recorded.buckets[1].statistics().count;
  };
  for (int i = 0; i < 100; ++i) drain();
  threads.clear();
  drain();
  EXPECT_EQ(count, 3 * kEach);
}

TEST(Recorder, SourcesBeyondTheLimitAreCountedAndForgotten) {
  Recorder recorder({});
  for (std::size_t i = 0; i < kSourcesMax + 5; ++i)
    recorder.record({kFamily, "1", "here", {std::to_string(i), ""}}, kNow, {{0, 1}});
  EXPECT_EQ(recorder.dropped(), 5U);
  EXPECT_EQ(recorder.drain().size(), kSourcesMax);
}

}  // namespace
}  // namespace metrics
