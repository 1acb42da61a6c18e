// GetMetricData: one statistic each of many metrics, in pages of data points.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "api/cloudwatch/errors.h"
#include "base/encoding.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/statistic.h"

namespace services::cloudwatch {
namespace {

namespace c = api::cloudwatch;
using wire::Context;

constexpr std::size_t kQueriesMax = 500;
constexpr std::size_t kDatapointsMax = 100'800;

api::Error refused(std::string message) {
  return {.code = "ValidationError", .status = 400, .message = std::move(message)};
}

bool is_id(std::string_view id) {
  return !id.empty() && id[0] >= 'a' && id[0] <= 'z' && std::ranges::all_of(id, [](char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '_';
  });
}

std::optional<api::Error> check_query(const c::MetricDataQuery& query, std::size_t index) {
  const std::string place = fmt::format("MetricDataQueries.member.{}", index + 1);
  if (!is_id(*query.id))
    return refused(
        fmt::format("The value {} for parameter {}.Id is not matching the expected "
                    "pattern ^[a-z][a-zA-Z0-9_]*$.",
                    *query.id, place));
  if (query.expression)
    return refused(
        fmt::format("The parameter {}.Expression is not served: metric math, SEARCH and "
                    "Metrics Insights queries are not available on this server.",
                    place));
  if (!query.metric_stat)
    return refused(fmt::format("Either {0}.MetricStat or {0}.Expression is required.", place));
  const c::MetricStat& stat = *query.metric_stat;
  if (!stat.metric->namespace_ || !stat.metric->metric_name)
    return refused(
        fmt::format("The parameter {}.MetricStat.Metric must have Namespace and "
                    "MetricName.",
                    place));
  if (!is_period(*stat.period))
    return refused(
        fmt::format("The value {} for parameter {}.MetricStat.Period is invalid: it "
                    "must be 1, 5, 10, 20, 30 or a multiple of 60.",
                    *stat.period, place));
  if (!Statistic::parse(*stat.stat))
    return refused(fmt::format("The value {} for parameter {}.MetricStat.Stat is not supported.",
                               *stat.stat, place));
  return std::nullopt;
}

std::optional<api::Error> check(const c::GetMetricDataInput& input) {
  const auto& queries = *input.metric_data_queries;
  if (*input.start_time >= *input.end_time)
    return refused("The parameter StartTime must be less than the parameter EndTime.");
  if (queries.size() > kQueriesMax)
    return refused(
        fmt::format("The collection MetricDataQueries must not have a size greater than "
                    "{}.",
                    kQueriesMax));
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    auto wrong = check_query(queries[i], i);
    if (wrong) return wrong;
    if (!ids.insert(*queries[i].id).second)
      return refused("The values for parameter id in MetricDataQueries are not unique.");
  }
  if (input.max_datapoints &&
      (*input.max_datapoints < 1 || std::cmp_greater(*input.max_datapoints, kDatapointsMax)))
    return refused(
        fmt::format("The value {} for parameter MaxDatapoints is invalid.", *input.max_datapoints));
  return std::nullopt;
}

// How far the pages before this one came: into which query, and which of its points was the last.
struct Place {
  std::size_t query = 0;
  std::optional<base::Timestamp> after;
};

std::string seal(const Deps& deps, const Place& place) {
  std::string plain = "data";
  base::append_u64(plain, place.query);
  if (place.after)
    base::append_u64(plain, static_cast<std::uint64_t>(base::to_epoch_ms(*place.after)));
  return deps.sealer.seal(plain);
}

std::optional<Place> unseal(const Deps& deps, const std::string& token) {
  const auto plain = deps.sealer.open(token);
  if (!plain || !plain->starts_with("data")) return std::nullopt;
  const std::string_view numbers = std::string_view(*plain).substr(4);
  if (numbers.size() != 8 && numbers.size() != 16) return std::nullopt;
  Place place{.query = base::read_u64(numbers), .after = {}};
  if (numbers.size() == 16)
    place.after = base::from_epoch_ms(static_cast<std::int64_t>(base::read_u64(numbers.substr(8))));
  return place;
}

// The metric's name, with what its neighbours do not share.
std::string label_of(const c::GetMetricDataInput& input, const c::MetricDataQuery& query) {
  if (query.label) return *query.label;
  const c::MetricStat& stat = *query.metric_stat;
  const auto differs = [&](auto member) {
    return std::ranges::any_of(*input.metric_data_queries, [&](const c::MetricDataQuery& other) {
      return *((*other.metric_stat).*member) != *(stat.*member);
    });
  };
  std::string label = *stat.metric->metric_name;
  if (differs(&c::MetricStat::stat)) label += " " + *stat.stat;
  if (differs(&c::MetricStat::period)) label += fmt::format(" {}", *stat.period);
  return label;
}

metrics::Query query_of(const Context& context, const c::GetMetricDataInput& input,
                        const c::MetricStat& stat) {
  const std::chrono::seconds period = period_of(*stat.period);
  return {.metric = {.account_id = context.account_id,
                     .region = context.region,
                     .space = *stat.metric->namespace_,
                     .name = *stat.metric->metric_name,
                     .dimensions = dimensions_of(stat.metric->dimensions)},
          .unit = stat.unit,
          .from = floor_to(*input.start_time, period),
          .to = *input.end_time,
          .period = period,
          .origin = base::from_epoch_ms(0)};
}

struct Value {
  base::Timestamp time;
  double value = 0;
};

// In the order asked for, without what earlier pages had.
std::vector<Value> values_of(const c::GetMetricDataInput& input, const c::MetricStat& stat,
                             const metrics::Points& points, std::optional<base::Timestamp> after) {
  const auto statistic = Statistic::parse(*stat.stat);
  const bool ascending = input.scan_by.value_or("") == "TimestampAscending";
  std::vector<Value> values;
  for (const metrics::Point& point : points.points) {
    if (after && (ascending ? point.time <= *after : point.time >= *after)) continue;
    if (const auto value = statistic->of(point.values)) values.push_back({point.time, *value});
  }
  if (!ascending) std::ranges::reverse(values);
  return values;
}

// Without a unit, of several units the first counts.
void add_units_message(c::MetricDataResult& result, const std::vector<metrics::Points>& points) {
  if (points.size() < 2) return;
  std::vector<std::string_view> units;
  for (const metrics::Points& one : points) units.push_back(one.unit);
  result.messages.emplace().push_back(
      {.code = "MultipleUnits",
       .value = fmt::format("Multiple units returned: '[{}]'", fmt::join(units, ", "))});
}

// One page on its way.
struct Page {
  c::GetMetricDataOutput output;
  std::size_t left = kDatapointsMax;
  std::optional<Place> next;
};

async::Task<api::Outcome<void>> add_result(const Deps& deps, const Context& context,
                                           const c::GetMetricDataInput& input, Place from,
                                           Page& page) {
  const c::MetricDataQuery& query = (*input.metric_data_queries)[from.query];
  const c::MetricStat& stat = *query.metric_stat;
  const auto points = co_await deps.metrics.read(query_of(context, input, stat));
  if (!points) co_return std::unexpected(c::internal_service("Internal Service Fault"));
  c::MetricDataResult result;
  result.id = *query.id;
  result.label = label_of(input, query);
  add_units_message(result, *points);
  auto& times = result.timestamps.emplace();
  auto& values = result.values.emplace();
  std::vector<Value> all;
  if (!points->empty()) all = values_of(input, stat, points->front(), from.after);
  if (all.size() > page.left) {
    all.resize(page.left);
    page.next = {.query = from.query, .after = all.empty() ? from.after : all.back().time};
  }
  for (const Value& value : all) {
    times.push_back(value.time);
    values.push_back(value.value);
  }
  page.left -= all.size();
  result.status_code = page.next ? "PartialData" : "Complete";
  page.output.metric_data_results->push_back(std::move(result));
  co_return api::Outcome<void>();
}

Answer<c::GetMetricDataOutput> get_metric_data(const Deps& deps, const Context& context,
                                               c::GetMetricDataInput input) {
  auto wrong = check(input);
  if (wrong) co_return std::unexpected(*std::move(wrong));
  Place from;
  if (input.next_token) {
    const auto place = unseal(deps, *input.next_token);
    if (!place || place->query >= input.metric_data_queries->size())
      co_return std::unexpected(c::invalid_next_token("Invalid nextToken"));
    from = *place;
  }
  Page page;
  page.output.messages.emplace();
  page.output.metric_data_results.emplace();
  if (input.max_datapoints) page.left = static_cast<std::size_t>(*input.max_datapoints);
  for (; from.query < input.metric_data_queries->size() && !page.next; ++from.query) {
    const bool wanted = (*input.metric_data_queries)[from.query].return_data.value_or(true);
    if (wanted) {
      const auto added = co_await add_result(deps, context, input, from, page);
      if (!added) co_return std::unexpected(added.error());
    }
    from.after.reset();
  }
  if (page.next) page.output.next_token = seal(deps, *page.next);
  co_return std::move(page.output);
}

}  // namespace

void register_get_metric_data(wire::Registry& registry, const Deps& deps) {
  registry.add<c::op::GetMetricData>(
      on_everything<c::GetMetricDataInput>("cloudwatch:GetMetricData"),
      [&deps](const Context& context, auto input) {
        return get_metric_data(deps, context, std::move(input));
      });
}

}  // namespace services::cloudwatch
