#pragma once

// A page of figures in Prometheus' text form, version 0.0.4. A value: fill it, then take its text.
//
// Metrics of CloudWatch become summaries (a sum and a count since the server was started), named
// after namespace and metric: "aws_kinesis_put_record_latency". Their labels are account_id,
// region, unit, and "dimension_X" for each dimension X. What only differs in characters that
// Prometheus does not take is added up.

#include <map>
#include <string>
#include <string_view>

#include "metrics/metrics.h"

namespace metrics {

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

class PrometheusPage {
 public:
  void add(const Total& total);
  // Figures of the process, without labels. Names of counters end in "_total".
  void add_counter(std::string name, double value);
  void add_gauge(std::string name, double value);

  std::string text() const;

 private:
  struct Sum {
    double sum = 0;
    double count = 0;
  };
  struct Plain {
    std::string_view type;
    double value = 0;
  };
  std::map<std::string, std::map<std::string, Sum>> summaries_;  // by name, then labels
  std::map<std::string, Plain> plain_;
};

}  // namespace metrics
