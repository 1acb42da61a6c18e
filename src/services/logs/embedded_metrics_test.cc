#include "services/logs/embedded_metrics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace services::logs {
namespace {

const base::Timestamp kNow = base::from_epoch_ms(1'700'000'000'000);

std::vector<metrics::Datum> found_in(std::string_view line) {
  return embedded_metrics("000000000000", "us-east-1", line, kNow);
}

// A line with one directive, the values "n": 3 and "list": [1, 2], and the dimension "service".
std::string line_with(std::string_view directive, std::string_view time = "1700000000000") {
  return fmt::format(
      R"({{"_aws":{{"Timestamp":{},"CloudWatchMetrics":[{}]}},"service":"s","stage":"t",)"
      R"("n":3,"list":[1,2],"mixed":[1,"2"],"text":"3"}})",
      time, directive);
}

TEST(EmbeddedMetrics, OfEverySetOfDimensions) {
  const auto found = found_in(line_with(R"({"Namespace":"App","Dimensions":[["service"],
      ["stage","service"],[]],"Metrics":[{"Name":"n","Unit":"Count","StorageResolution":1},
      {"Name":"list"}]})") + "\n");
  ASSERT_EQ(found.size(), 6U);
  const metrics::Datum& first = found[0];
  EXPECT_EQ(first.time, kNow);
  EXPECT_EQ(first.series.metric.account_id, "000000000000");
  EXPECT_EQ(first.series.metric.region, "us-east-1");
  EXPECT_EQ(first.series.metric.space, "App");
  EXPECT_EQ(first.series.metric.name, "n");
  EXPECT_EQ(first.series.unit, "Count");
  EXPECT_THAT(first.series.metric.dimensions,
              testing::ElementsAre(metrics::Dimension{"service", "s"}));
  EXPECT_EQ(first.values.statistics().sum, 3);
  EXPECT_THAT(
      found[1].series.metric.dimensions,
      testing::ElementsAre(metrics::Dimension{"service", "s"}, metrics::Dimension{"stage", "t"}));
  EXPECT_TRUE(found[2].series.metric.dimensions.empty());
  EXPECT_EQ(found[3].series.unit, "None");
  EXPECT_EQ(found[3].values.statistics().count, 2);
  EXPECT_EQ(found[3].values.statistics().max, 2);
}

TEST(EmbeddedMetrics, WithoutDimensions) {
  EXPECT_EQ(found_in(line_with(R"({"Namespace":"App","Metrics":[{"Name":"n"}]})")).size(), 1U);
  EXPECT_EQ(found_in(line_with(R"({"Namespace":"App","Dimensions":[],
                                   "Metrics":[{"Name":"n"}]})"))
                .size(),
            1U);
}

TEST(EmbeddedMetrics, LeavesOutWhatDoesNotFollowTheFormat) {
  for (const char* metric :
       {R"({"Name":"absent"})", R"({"Name":"text"})", R"({"Name":"mixed"})", R"({"Name":""})",
        R"({"Name":7})", R"({"Unit":"Count"})", R"({"Name":"n","Unit":"Apples"})", "7"})
    EXPECT_TRUE(
        found_in(line_with(fmt::format(R"({{"Namespace":"App","Metrics":[{}]}})", metric))).empty())
        << metric;
  for (const char* directive :
       {R"({"Metrics":[{"Name":"n"}]})", R"({"Namespace":"AWS/X","Metrics":[{"Name":"n"}]})",
        R"({"Namespace":"App"})", R"({"Namespace":"App","Metrics":{"Name":"n"}})", "[]",
        R"({"Namespace":"App","Dimensions":[["absent"]],"Metrics":[{"Name":"n"}]})",
        R"({"Namespace":"App","Dimensions":[["n"]],"Metrics":[{"Name":"n"}]})",
        R"({"Namespace":"App","Dimensions":["service"],"Metrics":[{"Name":"n"}]})",
        R"({"Namespace":"App","Dimensions":[["service","service"]],"Metrics":[{"Name":"n"}]})"})
    EXPECT_TRUE(found_in(line_with(directive)).empty()) << directive;
  const std::string_view fine = R"({"Namespace":"App","Metrics":[{"Name":"n"}]})";
  for (const char* time : {"1", "1800000000000", "1e300", "null", "\"1700000000000\""})
    EXPECT_TRUE(found_in(line_with(fine, time)).empty()) << time;
  for (const char* line : {"", "{", "_aws", R"({"_aws":1})", R"({"_aws":{"Timestamp":1}})",
                           R"(["_aws"])", R"(INFO {"_aws":{}})"})
    EXPECT_TRUE(found_in(line).empty()) << line;
}

TEST(EmbeddedMetrics, AreBounded) {
  std::string sets = R"(["service"])";
  for (int i = 0; i < 2'000; ++i) sets += R"(,["service"])";
  EXPECT_EQ(found_in(line_with(fmt::format(R"({{"Namespace":"App","Dimensions":[{}],
                                               "Metrics":[{{"Name":"n"}}]}})",
                                           sets)))
                .size(),
            kDataPerLineMax);
}

}  // namespace
}  // namespace services::logs
