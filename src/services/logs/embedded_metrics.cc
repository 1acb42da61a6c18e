#include "services/logs/embedded_metrics.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <optional>

namespace services::logs {
namespace {

namespace json = boost::json;

constexpr std::chrono::hours kPast{14 * 24};
constexpr std::chrono::hours kFuture{2};
constexpr std::size_t kNameBytesMax = 1024;
constexpr std::string_view kUnits[] = {"Seconds",
                                       "Microseconds",
                                       "Milliseconds",
                                       "Bytes",
                                       "Kilobytes",
                                       "Megabytes",
                                       "Gigabytes",
                                       "Terabytes",
                                       "Bits",
                                       "Kilobits",
                                       "Megabits",
                                       "Gigabits",
                                       "Terabits",
                                       "Percent",
                                       "Count",
                                       "Bytes/Second",
                                       "Kilobytes/Second",
                                       "Megabytes/Second",
                                       "Gigabytes/Second",
                                       "Terabytes/Second",
                                       "Bits/Second",
                                       "Kilobits/Second",
                                       "Megabits/Second",
                                       "Gigabits/Second",
                                       "Terabits/Second",
                                       "Count/Second",
                                       "None"};

const json::array* list_in(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found != nullptr ? found->if_array() : nullptr;
}

// A member that is a text of 1 to kNameBytesMax bytes.
std::optional<std::string_view> text_in(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  const json::string* text = found != nullptr ? found->if_string() : nullptr;
  if (text == nullptr || text->empty() || text->size() > kNameBytesMax) return std::nullopt;
  return std::string_view(*text);
}

std::optional<double> number_of(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  const double number = value.to_number<double>();
  // The range of PutMetricData.
  if (!std::isfinite(number) || std::fabs(number) > std::ldexp(1.0, 360)) return std::nullopt;
  return number;
}

// A number or a list of them; empty if anything else is among them.
metrics::Bucket values_in(const json::object& line, std::string_view name) {
  metrics::Bucket bucket;
  const json::value* found = line.if_contains(name);
  if (found == nullptr) return bucket;
  const json::array* list = found->if_array();
  if (list == nullptr) {
    if (const auto number = number_of(*found)) bucket.add(*number);
    return bucket;
  }
  if (list->size() > kValuesPerMetricMax) return bucket;
  for (const json::value& item : *list) {
    const auto number = number_of(item);
    if (!number) return {};
    bucket.add(*number);
  }
  return bucket;
}

// nullopt: a dimension without a value, or too many.
std::optional<std::vector<metrics::Dimension>> dimensions_of(const json::object& line,
                                                             const json::value& set) {
  const json::array* names = set.if_array();
  if (names == nullptr || names->size() > kDimensionsPerSetMax) return std::nullopt;
  std::vector<metrics::Dimension> dimensions;
  for (const json::value& name : *names) {
    const auto value = name.is_string() ? text_in(line, name.get_string()) : std::nullopt;
    if (!value || name.get_string().empty()) return std::nullopt;
    dimensions.push_back({.name = std::string(name.get_string()), .value = std::string(*value)});
  }
  std::ranges::sort(dimensions);
  const auto twin = std::ranges::adjacent_find(dimensions, {}, &metrics::Dimension::name);
  if (twin != dimensions.end()) return std::nullopt;
  return dimensions;
}

std::vector<std::vector<metrics::Dimension>> sets_in(const json::object& line,
                                                     const json::object& directive) {
  const json::array* sets = list_in(directive, "Dimensions");
  if (sets == nullptr || sets->empty()) return {{}};
  std::vector<std::vector<metrics::Dimension>> all;
  for (const json::value& set : *sets) {
    if (all.size() == kDataPerLineMax) break;
    if (auto dimensions = dimensions_of(line, set)) all.push_back(*std::move(dimensions));
  }
  return all;
}

void add_directive(const json::object& line, const json::object& directive,
                   const metrics::Datum& like, std::vector<metrics::Datum>& data) {
  const auto space = text_in(directive, "Namespace");
  const json::array* named = list_in(directive, "Metrics");
  if (!space || space->starts_with("AWS/") || named == nullptr ||
      named->size() > kMetricsPerDirectiveMax)
    return;
  const auto sets = sets_in(line, directive);
  for (const json::value& one : *named) {
    const json::object* metric = one.if_object();
    const auto name = metric != nullptr ? text_in(*metric, "Name") : std::nullopt;
    if (!name) continue;
    const auto unit = text_in(*metric, "Unit").value_or("None");
    const metrics::Bucket values = values_in(line, *name);
    if (values.empty() || std::ranges::find(kUnits, unit) == std::end(kUnits)) continue;
    for (const auto& dimensions : sets) {
      if (data.size() == kDataPerLineMax) return;
      metrics::Datum& datum = data.emplace_back(like);
      datum.series.metric.space = *space;
      datum.series.metric.name = *name;
      datum.series.metric.dimensions = dimensions;
      datum.series.unit = unit;
      datum.values = values;
    }
  }
}

}  // namespace

std::vector<metrics::Datum> embedded_metrics(std::string_view account_id, std::string_view region,
                                             std::string_view line, base::Timestamp now) {
  std::vector<metrics::Datum> data;
  if (!line.starts_with('{') || line.find("\"_aws\"") == std::string_view::npos) return data;
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  boost::system::error_code failure;
  const json::value parsed = json::parse(line, failure);
  const json::object* object = failure ? nullptr : parsed.if_object();
  const json::value* about = object != nullptr ? object->if_contains("_aws") : nullptr;
  if (about == nullptr || !about->is_object()) return data;
  const json::value* stamp = about->get_object().if_contains("Timestamp");
  const auto milliseconds = stamp != nullptr ? number_of(*stamp) : std::nullopt;
  const json::array* directives = list_in(about->get_object(), "CloudWatchMetrics");
  if (!milliseconds || directives == nullptr || std::fabs(*milliseconds) > 1e15) return data;
  metrics::Datum like;
  like.time = base::from_epoch_ms(static_cast<std::int64_t>(*milliseconds));
  if (like.time < now - kPast || like.time > now + kFuture) return data;
  like.series.metric.account_id = account_id;
  like.series.metric.region = region;
  for (const json::value& directive : *directives)
    if (directive.is_object()) add_directive(*object, directive.get_object(), like, data);
  return data;
}

}  // namespace services::logs
