#include "metrics/metrics.h"

#include <gtest/gtest.h>

#include "async/manual_core.h"
#include "metrics/keys.h"
#include "store/memory_store.h"

namespace metrics {
namespace {

using namespace std::chrono_literals;

constexpr Metric kFigures[] = {{"Bytes", "Bytes"}, {"Latency", "Milliseconds"}};
constexpr Family kFamily{"AWS/Test", {"Name"}, kFigures};

class MetricsTest : public testing::Test {
 protected:
  std::unique_ptr<Metrics> fresh() {
    return std::make_unique<Metrics>(store, core, clock, recorder);
  }
  void reopen() {
    metrics = fresh();
    ASSERT_TRUE(core.run(metrics->open()).has_value());
  }
  SeriesKey key(std::string name, std::string unit = "None") const {
    return {.metric = {"000000000000", "us-east-1", "App", std::move(name), {}},
            .unit = std::move(unit)};
  }
  base::Status put(SeriesKey series, double value, base::Timestamp time) {
    Datum datum{.series = std::move(series), .time = time, .values = {}};
    datum.values.add(value);
    std::vector<Datum> data;
    data.push_back(std::move(datum));
    return core.run(metrics->put(std::move(data)));
  }
  std::vector<Points> read(MetricKey metric, std::chrono::seconds period = 60s,
                           std::chrono::hours back = 24h * 20) {
    const auto now = clock.now();
    return *core.run(metrics->read({.metric = std::move(metric),
                                    .unit = {},
                                    .from = now - back,
                                    .to = now + 1min,
                                    .period = period,
                                    .origin = base::from_epoch_ms(0)}));
  }
  void record(double bytes) {
    recorder.record({kFamily, "000000000000", "us-east-1", {"a"}}, clock.now(),
                    {{0, bytes}, {1, 2.5}});
  }
  static Filter everything() { return {.account_id = "000000000000", .region = "us-east-1"}; }
  MetricKey recorded(std::string name) const {
    return {"000000000000", "us-east-1", "AWS/Test", std::move(name), {{"Name", "a"}}};
  }

  // 2027-01-15 08:00:00
  base::ManualClock clock{base::from_epoch_ms(1'800'000'000'000)};
  async::ManualCore core{clock};
  store::MemoryStore store;
  Recorder recorder{{&core}};
  std::unique_ptr<Metrics> metrics = fresh();
};

TEST_F(MetricsTest, WhatWasPutSurvivesReopening) {
  ASSERT_TRUE(put(key("m"), 1, clock.now()).has_value());
  ASSERT_TRUE(put(key("m"), 5, clock.now() + 10s).has_value());
  reopen();
  ASSERT_TRUE(put(key("m"), 3, clock.now()).has_value());
  const auto all = read(key("m").metric);
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].points.size(), 1U);
  EXPECT_EQ(all[0].points[0].time, clock.now());
  const Bucket& values = all[0].points[0].values;
  EXPECT_EQ(values.statistics().sum, 9);
  EXPECT_EQ(values.statistics().count, 3);
  EXPECT_EQ(values.percentile(50), 3);
}

TEST_F(MetricsTest, UnitsStandApart) {
  ASSERT_TRUE(put(key("m", "Seconds"), 1, clock.now()).has_value());
  ASSERT_TRUE(put(key("m", "Count"), 2, clock.now()).has_value());
  const auto all = read(key("m").metric);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].unit, "Count");
  EXPECT_EQ(all[1].unit, "Seconds");
}

TEST_F(MetricsTest, WhatIsRecordedIsSeenAtOnceAndStoredWhenItsMinuteIsOver) {
  record(100);
  record(200);
  EXPECT_EQ(read(recorded("Bytes")).at(0).points.at(0).values.statistics().sum, 300);
  ASSERT_TRUE(core.run(metrics->store_recorded()).has_value());
  reopen();
  EXPECT_TRUE(read(recorded("Bytes")).empty());  // the minute was not over

  record(10);
  clock.advance(61s);
  record(1);
  ASSERT_TRUE(core.run(metrics->store_recorded()).has_value());
  record(2);
  reopen();
  const auto all = read(recorded("Bytes"));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].points.at(0).values.statistics().sum, 10);
  EXPECT_EQ(all[0].points.at(1).values.statistics().sum, 2);
}

TEST_F(MetricsTest, StoppingStoresTheMinuteThatIsNotOver) {
  record(7);
  core.run(metrics->stop());
  reopen();
  EXPECT_EQ(read(recorded("Bytes")).at(0).points.at(0).values.statistics().sum, 7);
}

TEST_F(MetricsTest, PeriodsBeginAtTheirOrigin) {
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(put(key("m"), 1, clock.now() - std::chrono::minutes(i)).has_value());
  const auto now = clock.now();
  const auto all = *core.run(metrics->read({.metric = key("m").metric,
                                            .unit = {},
                                            .from = now - 7min,
                                            .to = now,
                                            .period = 5min,
                                            .origin = now - 7min}));
  ASSERT_EQ(all.at(0).points.size(), 2U);
  EXPECT_EQ(all[0].points[0].time, now - 7min);
  EXPECT_EQ(all[0].points[0].values.statistics().count, 5);
  EXPECT_EQ(all[0].points[1].values.statistics().count, 2);
}

TEST_F(MetricsTest, OldPointsBecomeCoarserAndGo) {
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(put(key("m"), i, clock.now() + std::chrono::minutes(i)).has_value());
  clock.advance(26h);
  ASSERT_TRUE(core.run(metrics->fold_and_expire()).has_value());
  auto all = read(key("m").metric);
  ASSERT_EQ(all.at(0).points.size(), 2U);
  EXPECT_EQ(all[0].points[0].values.statistics().sum, 10);
  EXPECT_EQ(all[0].points[1].values.statistics().sum, 35);
  // A late one joins what was made coarser.
  ASSERT_TRUE(put(key("m"), 100, clock.now() - 26h).has_value());
  reopen();
  ASSERT_TRUE(core.run(metrics->fold_and_expire()).has_value());
  EXPECT_EQ(read(key("m").metric).at(0).points.at(0).values.statistics().sum, 110);

  clock.advance(15 * 24h);
  ASSERT_TRUE(core.run(metrics->fold_and_expire()).has_value());
  EXPECT_TRUE(read(key("m").metric).empty());
  EXPECT_TRUE(core.run(metrics->list(everything(), {}, 10)).metrics.empty());
  EXPECT_EQ(core.run(store.scan("metrics/", "metrics0", {}))->size(), 1U);  // the next number
}

TEST_F(MetricsTest, ListsByPagesAndFilters) {
  for (const char* name : {"a", "b", "c"}) {
    SeriesKey series = key(name);
    series.metric.dimensions = {{"Host", name}, {"Zone", "1"}};
    ASSERT_TRUE(put(series, 1, clock.now() - 5h).has_value());
    series.unit = "Count";
    ASSERT_TRUE(put(series, 1, clock.now() - 5h).has_value());
  }
  record(1);
  const Filter all = everything();
  EXPECT_EQ(core.run(metrics->list(all, {}, 10)).metrics.size(), 5U);
  auto page = core.run(metrics->list(all, {}, 2));
  ASSERT_TRUE(page.last.has_value());
  page = core.run(metrics->list(all, page.last, 3));
  EXPECT_EQ(page.metrics.size(), 3U);
  EXPECT_FALSE(page.last.has_value());

  Filter filter = all;
  filter.dimensions = {{"Host", "b"}, {"Zone", std::nullopt}};
  EXPECT_EQ(core.run(metrics->list(filter, {}, 10)).metrics.at(0).name, "b");
  filter = all;
  filter.active_since = clock.now() - 3h;
  EXPECT_EQ(core.run(metrics->list(filter, {}, 10)).metrics.size(), 2U);
  filter = all;
  filter.region = "eu-west-1";
  EXPECT_TRUE(core.run(metrics->list(filter, {}, 10)).metrics.empty());
}

TEST_F(MetricsTest, TooManyMetricsAreRefusedAsAWhole) {
  std::vector<Datum> data;
  for (std::size_t i = 0; i <= kSeriesMax; ++i) {
    data.push_back({.series = key(std::to_string(i)), .time = clock.now(), .values = {}});
    data.back().values.add(1);
  }
  const auto done = core.run(metrics->put(std::move(data)));
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, base::ErrorCode::kLimit);
  EXPECT_TRUE(core.run(metrics->list(everything(), {}, 10)).metrics.empty());
}

TEST_F(MetricsTest, TotalsCountSinceTheStart) {
  record(100);
  core.run(metrics->store_recorded());
  clock.advance(61s);
  record(50);
  const auto totals = core.run(metrics->totals());
  ASSERT_EQ(totals.size(), 2U);
  EXPECT_EQ(totals[0].series.metric.name, "Bytes");
  EXPECT_EQ(totals[0].sum, 150);
  EXPECT_EQ(totals[0].count, 2);
}

}  // namespace
}  // namespace metrics
