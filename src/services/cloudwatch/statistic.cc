#include "services/cloudwatch/statistic.h"

#include <charconv>

namespace services::cloudwatch {

std::optional<Statistic> Statistic::parse(std::string_view name) {
  if (name == "SampleCount") return Statistic(Kind::kCount);
  if (name == "Average") return Statistic(Kind::kAverage);
  if (name == "Sum") return Statistic(Kind::kSum);
  if (name == "Minimum") return Statistic(Kind::kMinimum);
  if (name == "Maximum") return Statistic(Kind::kMaximum);
  if (!name.starts_with('p') || name.size() < 2 || name.size() > 16) return std::nullopt;
  double percent = 0;
  const char* const end = name.data() + name.size();
  const auto [at, failure] =
      std::from_chars(name.data() + 1, end, percent, std::chars_format::fixed);
  if (failure != std::errc() || at != end || !(percent >= 0 && percent <= 100)) return std::nullopt;
  return Statistic(Kind::kPercentile, percent);
}

std::optional<double> Statistic::of(const metrics::Bucket& values) const {
  const metrics::Statistics& all = values.statistics();
  switch (kind_) {
    case Kind::kCount: return all.count;
    case Kind::kAverage: return values.average();
    case Kind::kSum: return all.sum;
    case Kind::kMinimum: return all.min;
    case Kind::kMaximum: return all.max;
    case Kind::kPercentile: break;
  }
  return values.percentile(percent_);
}

}  // namespace services::cloudwatch
