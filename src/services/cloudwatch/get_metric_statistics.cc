// GetMetricStatistics: several statistics of one metric.
#include <fmt/format.h>

#include <algorithm>

#include "api/cloudwatch/errors.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/statistic.h"

namespace services::cloudwatch {
namespace {

namespace c = api::cloudwatch;
using wire::Context;

constexpr std::int64_t kDatapointsMax = 1440;

std::optional<api::Error> check(const c::GetMetricStatisticsInput& input) {
  if (input.statistics.has_value() == input.extended_statistics.has_value())
    return c::invalid_parameter_combination("Must specify either Statistics or ExtendedStatistics");
  if (*input.start_time >= *input.end_time)
    return c::invalid_parameter_value(
        "The parameter StartTime must be less than the parameter EndTime.");
  if (!is_period(*input.period))
    return c::invalid_parameter_value("The parameter Period must be a multiple of 60.");
  const std::int64_t points =
      (*input.end_time - *input.start_time).count() / 1000 / period_of(*input.period).count();
  if (points > kDatapointsMax)
    return c::invalid_parameter_combination(fmt::format(
        "You have requested up to {} datapoints, which exceeds the limit of {}. You may reduce the "
        "datapoints requested by increasing Period, or decreasing the time range.",
        points, kDatapointsMax));
  if (input.extended_statistics)
    for (const std::string& name : *input.extended_statistics) {
      const auto statistic = Statistic::parse(name);
      if (!statistic || !statistic->is_percentile())
        return c::invalid_parameter_value(fmt::format(
            "The value {} for parameter ExtendedStatistics is invalid: only percentiles are "
            "served.",
            name));
    }
  return std::nullopt;
}

void set_member(c::Datapoint& point, const std::string& name, double value) {
  if (name == "SampleCount") point.sample_count = value;
  if (name == "Average") point.average = value;
  if (name == "Sum") point.sum = value;
  if (name == "Minimum") point.minimum = value;
  if (name == "Maximum") point.maximum = value;
}

c::Datapoint datapoint(const c::GetMetricStatisticsInput& input, const metrics::Point& from,
                       const std::string& unit) {
  c::Datapoint point;
  point.timestamp = from.time;
  point.unit = unit;
  if (input.statistics)
    for (const std::string& name : *input.statistics)
      set_member(point, name, Statistic::parse(name)->of(from.values).value_or(0));
  if (!input.extended_statistics) return point;
  for (const std::string& name : *input.extended_statistics)
    if (const auto value = Statistic::parse(name)->of(from.values))
      (point.extended_statistics ? *point.extended_statistics
                                 : point.extended_statistics.emplace())[name] = *value;
  return point;
}

// A point without any of the statistics that were asked for is none.
bool says_something(const c::GetMetricStatisticsInput& input, const c::Datapoint& point) {
  return input.statistics.has_value() || point.extended_statistics.has_value();
}

Answer<c::GetMetricStatisticsOutput> get_metric_statistics(const Deps& deps, const Context& context,
                                                           c::GetMetricStatisticsInput input) {
  auto wrong = check(input);
  if (wrong) co_return std::unexpected(*std::move(wrong));
  const base::Timestamp start = floor_to(*input.start_time, std::chrono::seconds(60));
  const auto points =
      co_await deps.metrics.read({.metric = {.account_id = context.account_id,
                                             .region = context.region,
                                             .space = *input.namespace_,
                                             .name = *input.metric_name,
                                             .dimensions = dimensions_of(input.dimensions)},
                                  .unit = input.unit,
                                  .from = start,
                                  .to = *input.end_time,
                                  .period = period_of(*input.period),
                                  .origin = start});
  if (!points) co_return std::unexpected(c::internal_service("Internal Service Fault"));
  c::GetMetricStatisticsOutput output;
  output.label = *input.metric_name;
  auto& all = output.datapoints.emplace();
  for (const metrics::Points& unit : *points)
    for (const metrics::Point& point : unit.points) {
      c::Datapoint made = datapoint(input, point, unit.unit);
      if (says_something(input, made)) all.push_back(std::move(made));
    }
  co_return output;
}

}  // namespace

void register_get_metric_statistics(wire::Registry& registry, const Deps& deps) {
  registry.add<c::op::GetMetricStatistics>(
      on_everything<c::GetMetricStatisticsInput>("cloudwatch:GetMetricStatistics"),
      [&deps](const Context& context, auto input) {
        return get_metric_statistics(deps, context, std::move(input));
      });
}

}  // namespace services::cloudwatch
