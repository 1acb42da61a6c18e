#pragma once

// Statistics by AWS's names: "SampleCount", "Average", "Sum", "Minimum", "Maximum", and percentiles
// ("p99", "p99.9"). Values; pure. Trimmed and winsorized means, percentile ranks and the like are
// not served.

#include <optional>
#include <string_view>

#include "metrics/bucket.h"

namespace services::cloudwatch {

class Statistic {
 public:
  // nullopt: not one of these.
  static std::optional<Statistic> parse(std::string_view name);

  bool is_percentile() const { return kind_ == Kind::kPercentile; }
  // nullopt: a percentile of values that are not known.
  std::optional<double> of(const metrics::Bucket& values) const;

 private:
  enum class Kind { kCount, kAverage, kSum, kMinimum, kMaximum, kPercentile };

  explicit Statistic(Kind kind, double percent = 0) : kind_(kind), percent_(percent) {}

  Kind kind_;
  double percent_;
};

}  // namespace services::cloudwatch
