#pragma once

// Metrics that a log line carries, in the embedded metric format: an object whose member "_aws"
// says which of the others are metrics, of which namespace, with which dimensions. Pure. What does
// not follow the format is left out, for a line is a line first.

#include <string_view>
#include <vector>

#include "base/clock.h"
#include "metrics/metrics.h"

namespace services::logs {

inline constexpr std::size_t kMetricsPerDirectiveMax = 100;
inline constexpr std::size_t kValuesPerMetricMax = 100;
inline constexpr std::size_t kDimensionsPerSetMax = 30;
// Of one line, of all its directives: ours. Each set of dimensions is a metric of its own.
inline constexpr std::size_t kDataPerLineMax = 1000;
inline constexpr std::size_t kDataPerRequestMax = 20'000;  // lines behind it are only lines

// Empty for nearly all lines, and then found out without reading them as JSON.
std::vector<metrics::Datum> embedded_metrics(std::string_view account_id, std::string_view region,
                                             std::string_view line, base::Timestamp now);

}  // namespace services::logs
