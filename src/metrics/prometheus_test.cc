#include "metrics/prometheus.h"

#include <gtest/gtest.h>

namespace metrics {
namespace {

Total total(std::string space, std::string name, std::vector<Dimension> dimensions) {
  return {.series = {.metric = {.account_id = "1",
                                .region = "here",
                                .space = std::move(space),
                                .name = std::move(name),
                                .dimensions = std::move(dimensions)},
                     .unit = "Count"},
          .count = 2,
          .sum = 2.5};
}

TEST(PrometheusPage, FiguresAndSummaries) {
  PrometheusPage page;
  page.add_counter("millrace_http_requests_total", 12);
  page.add_gauge("millrace_http_connections_open", 3);
  page.add(total("AWS/Kinesis", "PutRecord.Latency", {{"StreamName", "a \"b\"\\\n"}}));
  page.add(total("AWS/Kinesis", "PutRecord.Latency", {}));
  EXPECT_EQ(
      page.text(),
      "# TYPE millrace_http_connections_open gauge\n"
      "millrace_http_connections_open 3\n"
      "# TYPE millrace_http_requests_total counter\n"
      "millrace_http_requests_total 12\n"
      "# TYPE aws_kinesis_put_record_latency summary\n"
      "aws_kinesis_put_record_latency_sum{account_id=\"1\",region=\"here\",unit=\"Count\"} 2.5\n"
      "aws_kinesis_put_record_latency_count{account_id=\"1\",region=\"here\",unit=\"Count\"} 2\n"
      "aws_kinesis_put_record_latency_sum{account_id=\"1\",region=\"here\",unit=\"Count\","
      "dimension_StreamName=\"a \\\"b\\\"\\\\\\n\"} 2.5\n"
      "aws_kinesis_put_record_latency_count{account_id=\"1\",region=\"here\",unit=\"Count\","
      "dimension_StreamName=\"a \\\"b\\\"\\\\\\n\"} 2\n");
}

TEST(PrometheusPage, NamesThatBecomeTheSameAreAddedUp) {
  PrometheusPage page;
  page.add(total("9 lives", "a.b", {{"x y", "1"}, {"x.y", "2"}}));
  page.add(total("9 lives", "a/b", {{"x y", "1"}, {"x.y", "2"}}));
  EXPECT_NE(page.text().find("_9_lives_a_b_sum{account_id=\"1\",region=\"here\",unit=\"Count\","
                             "dimension_x_y=\"1\",dimension_x_y_=\"2\"} 5\n"),
            std::string::npos);
}

}  // namespace
}  // namespace metrics
