#include "mapping/config.h"

#include <boost/json.hpp>

namespace mapping {

namespace json = boost::json;

std::string_view to_string(State state) {
  switch (state) {
    case State::kCreating: return "Creating";
    case State::kEnabling: return "Enabling";
    case State::kEnabled: return "Enabled";
    case State::kDisabling: return "Disabling";
    case State::kDisabled: return "Disabled";
    case State::kUpdating: return "Updating";
    case State::kDeleting: return "Deleting";
  }
  return "Enabled";
}

std::string encode(const Config& config) {
  json::array filters;
  for (const std::string& pattern : config.filters) filters.emplace_back(pattern);
  return json::serialize(json::object{{"version", 3},
                                      {"id", config.id},
                                      {"account", config.account_id},
                                      {"region", config.region},
                                      {"function", config.function_arn},
                                      {"source", config.event_source_arn},
                                      {"start", static_cast<int>(config.starting_position)},
                                      {"start_ms", base::to_epoch_ms(config.starting_time)},
                                      {"enabled", config.enabled},
                                      {"batch_size", config.batch_size},
                                      {"window_seconds", config.window_seconds},
                                      {"retries_max", config.retries_max},
                                      {"record_age_seconds_max", config.record_age_seconds_max},
                                      {"bisect", config.bisect_on_error},
                                      {"item_failures", config.report_item_failures},
                                      {"on_failure", config.on_failure_arn},
                                      {"parallel", config.parallel},
                                      {"tumbling_seconds", config.tumbling_seconds},
                                      {"filters", std::move(filters)},
                                      {"event_counts", config.counts_events},
                                      {"modified", base::to_epoch_ms(config.modified)}});
}

base::Result<Config> decode_config(std::string_view bytes) {
  try {
    const json::value from = json::parse(bytes);
    const auto text = [&](std::string_view key) { return std::string(from.at(key).as_string()); };
    const auto number = [&](std::string_view key) {
      return from.at(key).to_number<std::int64_t>();
    };
    Config config;
    config.id = text("id");
    config.account_id = text("account");
    config.region = text("region");
    config.function_arn = text("function");
    config.event_source_arn = text("source");
    config.starting_position = static_cast<StartingPosition>(number("start"));
    config.starting_time = base::from_epoch_ms(number("start_ms"));
    config.enabled = from.at("enabled").as_bool();
    config.batch_size = static_cast<std::int32_t>(number("batch_size"));
    config.window_seconds = static_cast<std::int32_t>(number("window_seconds"));
    config.retries_max = static_cast<std::int32_t>(number("retries_max"));
    config.record_age_seconds_max = static_cast<std::int32_t>(number("record_age_seconds_max"));
    config.bisect_on_error = from.at("bisect").as_bool();
    config.report_item_failures = from.at("item_failures").as_bool();
    config.on_failure_arn = text("on_failure");
    // Version 1 had not these, and version 2 not the last.
    const auto version = number("version");
    if (version >= 3) config.counts_events = from.at("event_counts").as_bool();
    if (version >= 2) {
      config.parallel = static_cast<std::int32_t>(number("parallel"));
      config.tumbling_seconds = static_cast<std::int32_t>(number("tumbling_seconds"));
      for (const json::value& pattern : from.at("filters").as_array())
        config.filters.emplace_back(pattern.as_string());
    }
    config.modified = base::from_epoch_ms(number("modified"));
    return config;
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::kCorruption,
                       std::string("an event source mapping: ") + failure.what());
  }
}

}  // namespace mapping
