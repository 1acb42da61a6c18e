#pragma once

// CloudWatch's metrics API over metrics: typed request, domain call, typed answer. One per server,
// immutable after construction, thread-safe. An operation each:
//   put_metric_data.cc  get_metric_data.cc  get_metric_statistics.cc  list_metrics.cc
//
// Alarms, dashboards, metric streams, expressions (metric math, SEARCH, Metrics Insights) are not
// served.

#include <optional>
#include <string>

#include "api/cloudwatch/operations.h"
#include "api/error.h"
#include "base/clock.h"
#include "base/seal.h"
#include "metrics/metrics.h"
#include "wire/registry.h"

namespace services::cloudwatch {

struct Deps {
  metrics::Metrics& metrics;
  const base::Sealer& sealer;
  const base::Clock& clock;
};

// `deps` and what it refers to outlive the registry.
void register_operations(wire::Registry& registry, const Deps& deps);

// --- shared by the operations -----------------------------------------------------------------

template <class T>
using Answer = async::Task<api::Outcome<T>>;

// Dimensions in the order of their names, as metrics keeps them.
std::vector<metrics::Dimension> dimensions_of(
    const std::optional<std::vector<api::cloudwatch::Dimension>>& dimensions);
std::vector<api::cloudwatch::Dimension> render(const std::vector<metrics::Dimension>& dimensions);

// Periods may be 1, 5, 10, 20, 30 or a multiple of 60 seconds. Points here are of a minute, so
// shorter ones are taken for a minute.
bool is_period(std::int32_t seconds);
std::chrono::seconds period_of(std::int32_t seconds);
// The beginning of the minute, or of the period, that `time` lies in.
base::Timestamp floor_to(base::Timestamp time, std::chrono::seconds unit);

// CloudWatch's resources are not told apart by policies.
template <class Input>
auto on_everything(std::string action) {
  return [action = std::move(action)](const wire::Context&, const Input&) {
    return wire::Checks{{.action = action, .resource = "*"}};
  };
}

void register_put_metric_data(wire::Registry& registry, const Deps& deps);
void register_get_metric_data(wire::Registry& registry, const Deps& deps);
void register_get_metric_statistics(wire::Registry& registry, const Deps& deps);
void register_list_metrics(wire::Registry& registry, const Deps& deps);

}  // namespace services::cloudwatch
