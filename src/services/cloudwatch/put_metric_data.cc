// PutMetricData: a request's data are in as a whole, or refused as a whole.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "api/cloudwatch/errors.h"
#include "services/cloudwatch/cloudwatch.h"

namespace services::cloudwatch {
namespace {

namespace c = api::cloudwatch;
using wire::Context;
using Problem = std::optional<api::Error>;

constexpr std::size_t kDataMax = 1000;
constexpr std::size_t kValuesMax = 150;
constexpr std::chrono::hours kPast{14 * 24};
constexpr std::chrono::hours kFuture{2};
const double kGreatest = std::ldexp(1.0, 360);  // AWS takes -2^360 to 2^360

// "MetricData.member.3", with AWS's counting from 1.
struct Place {
  std::string list = "MetricData";
  std::size_t index = 0;

  std::string of(std::string_view member) const {
    return fmt::format("{}.member.{}.{}", list, index + 1, member);
  }
};

Problem check_number(const Place& place, std::string_view member, double value, bool positive) {
  const bool fine = std::isfinite(value) && std::fabs(value) <= kGreatest;
  if (fine && (!positive || value > 0)) return std::nullopt;
  const std::string text = std::isnan(value) ? "NaN" : fmt::format("{}", value);
  return c::invalid_parameter_value(
      fmt::format("The value {} for parameter {} is invalid.", text, place.of(member)));
}

Problem exclusive(const Place& place, std::string_view a, std::string_view b) {
  return c::invalid_parameter_combination(
      fmt::format("The parameters {} and {} are mutually exclusive and you have specified both.",
                  place.of(a), place.of(b)));
}

Problem check_form(const Place& place, const c::MetricDatum& datum) {
  const bool values = datum.values.has_value() && !datum.values->empty();
  if (datum.value && values) return exclusive(place, "Value", "Values");
  if (datum.value && datum.statistic_values) return exclusive(place, "Value", "StatisticValues");
  if (values && datum.statistic_values) return exclusive(place, "Values", "StatisticValues");
  if (!datum.value && !values && !datum.statistic_values)
    return c::missing_required_parameter("At least one of the parameters must be specified.");
  if (!values) return std::nullopt;
  for (const auto& [name, list] :
       {std::pair("Values", &datum.values), std::pair("Counts", &datum.counts)})
    if (*list && (*list)->size() > kValuesMax)
      return c::invalid_parameter_value(fmt::format(
          "The collection {} must not have a size greater than {}.", place.of(name), kValuesMax));
  if (datum.counts && datum.counts->size() != datum.values->size())
    return c::invalid_parameter_value(
        fmt::format("The parameters {} and {} must be of the same "
                    "size.",
                    place.of("Values"), place.of("Counts")));
  return std::nullopt;
}

Problem check_statistics(const Place& place, const c::StatisticSet& set) {
  auto wrong = check_number(place, "StatisticValues.SampleCount", *set.sample_count, true);
  if (!wrong) wrong = check_number(place, "StatisticValues.Sum", *set.sum, false);
  if (!wrong) wrong = check_number(place, "StatisticValues.Minimum", *set.minimum, false);
  if (!wrong) wrong = check_number(place, "StatisticValues.Maximum", *set.maximum, false);
  if (wrong || *set.minimum <= *set.maximum) return wrong;
  return c::invalid_parameter_value(
      fmt::format("The parameter {} must be greater than or equal to {}.",
                  place.of("StatisticValues.Maximum"), place.of("StatisticValues.Minimum")));
}

Problem check_numbers(const Place& place, const c::MetricDatum& datum) {
  if (datum.value) return check_number(place, "Value", *datum.value, false);
  if (datum.statistic_values) return check_statistics(place, *datum.statistic_values);
  for (std::size_t i = 0; i < datum.values->size(); ++i) {
    auto wrong =
        check_number(place, fmt::format("Values.member.{}", i + 1), (*datum.values)[i], false);
    if (!wrong && datum.counts)
      wrong = check_number(place, fmt::format("Counts.member.{}", i + 1), (*datum.counts)[i], true);
    if (wrong) return wrong;
  }
  return std::nullopt;
}

Problem check_rest(const Place& place, const c::MetricDatum& datum, base::Timestamp now) {
  const base::Timestamp time = datum.timestamp.value_or(now);
  if (time < now - kPast)
    return c::invalid_parameter_value(
        fmt::format("The parameter {} must specify a time no more than two weeks in the past.",
                    place.of("Timestamp")));
  if (time > now + kFuture)
    return c::invalid_parameter_value(
        fmt::format("The parameter {} must specify a time no more than two hours in the future.",
                    place.of("Timestamp")));
  const std::int32_t resolution = datum.storage_resolution.value_or(60);
  if (resolution != 1 && resolution != 60)
    return c::invalid_parameter_value(fmt::format("The value {} for parameter {} is invalid.",
                                                  resolution, place.of("StorageResolution")));
  auto dimensions = dimensions_of(datum.dimensions);
  const auto twin = std::ranges::adjacent_find(dimensions, {}, &metrics::Dimension::name);
  if (twin == dimensions.end()) return std::nullopt;
  return c::invalid_parameter_value(fmt::format("The parameter {} contains the name {} twice.",
                                                place.of("Dimensions"), twin->name));
}

metrics::Bucket bucket_of(const c::MetricDatum& datum) {
  metrics::Bucket bucket;
  if (datum.value) {
    bucket.add(*datum.value);
  } else if (datum.statistic_values) {
    const c::StatisticSet& set = *datum.statistic_values;
    bucket.add(metrics::Statistics{
        .count = *set.sample_count, .sum = *set.sum, .min = *set.minimum, .max = *set.maximum});
  } else {
    for (std::size_t i = 0; i < datum.values->size(); ++i)
      bucket.add((*datum.values)[i], datum.counts ? (*datum.counts)[i] : 1);
  }
  return bucket;
}

api::Outcome<std::vector<metrics::Datum>> data_of(const Context& context, const std::string& space,
                                                  const std::vector<c::MetricDatum>& list,
                                                  Place place, base::Timestamp now) {
  std::vector<metrics::Datum> data;
  for (; place.index < list.size(); ++place.index) {
    const c::MetricDatum& datum = list[place.index];
    auto wrong = check_form(place, datum);
    if (!wrong) wrong = check_numbers(place, datum);
    if (!wrong) wrong = check_rest(place, datum, now);
    if (wrong) return std::unexpected(*std::move(wrong));
    data.push_back({.series = {.metric = {.account_id = context.account_id,
                                          .region = context.region,
                                          .space = space,
                                          .name = *datum.metric_name,
                                          .dimensions = dimensions_of(datum.dimensions)},
                               .unit = datum.unit.value_or("None")},
                    .time = datum.timestamp.value_or(now),
                    .values = bucket_of(datum)});
  }
  return data;
}

Problem check_request(const c::PutMetricDataInput& input) {
  if (input.namespace_->starts_with("AWS/"))
    return c::invalid_parameter_value("The value AWS/ for parameter Namespace is invalid.");
  std::size_t count = input.metric_data ? input.metric_data->size() : 0;
  if (input.entity_metric_data)
    for (const c::EntityMetricData& part : *input.entity_metric_data)
      count += part.metric_data ? part.metric_data->size() : 0;
  if (count == 0) return c::missing_required_parameter("The parameter MetricData is required.");
  if (count <= kDataMax) return std::nullopt;
  return c::invalid_parameter_value(
      fmt::format("The collection MetricData must not have a size greater than {}.", kDataMax));
}

api::Outcome<std::vector<metrics::Datum>> all_data(const Context& context,
                                                   const c::PutMetricDataInput& input,
                                                   base::Timestamp now) {
  const std::string& space = *input.namespace_;
  std::vector<metrics::Datum> data;
  if (input.metric_data) {
    auto some = data_of(context, space, *input.metric_data, {}, now);
    if (!some) return some;
    data = *std::move(some);
  }
  if (!input.entity_metric_data) return data;
  for (std::size_t i = 0; i < input.entity_metric_data->size(); ++i) {
    const auto& list = (*input.entity_metric_data)[i].metric_data;
    if (!list) continue;
    auto some = data_of(context, space, *list,
                        {.list = fmt::format("EntityMetricData.member.{}.MetricData", i + 1)}, now);
    if (!some) return some;
    std::ranges::move(*some, std::back_inserter(data));
  }
  return data;
}

Answer<c::PutMetricDataOutput> put_metric_data(const Deps& deps, const Context& context,
                                               c::PutMetricDataInput input) {
  auto wrong = check_request(input);
  if (wrong) co_return std::unexpected(*std::move(wrong));
  auto data = all_data(context, input, deps.clock.now());
  if (!data) co_return std::unexpected(std::move(data).error());
  const base::Status done = co_await deps.metrics.put(*std::move(data));
  if (!done && done.error().code == base::ErrorCode::kLimit)
    co_return std::unexpected(api::Error{
        .code = "LimitExceeded",
        .status = 400,
        .message = fmt::format("This server keeps {} metrics at most.", metrics::kSeriesMax)});
  if (!done) co_return std::unexpected(c::internal_service("Internal Service Fault"));
  co_return c::PutMetricDataOutput();
}

}  // namespace

void register_put_metric_data(wire::Registry& registry, const Deps& deps) {
  registry.add<c::op::PutMetricData>(
      [](const Context&, const c::PutMetricDataInput& input) {
        return wire::Checks{{.action = "cloudwatch:PutMetricData",
                             .resource = "*",
                             .context = {{"cloudwatch:namespace", {*input.namespace_}}}}};
      },
      [&deps](const Context& context, auto input) {
        return put_metric_data(deps, context, std::move(input));
      });
}

}  // namespace services::cloudwatch
