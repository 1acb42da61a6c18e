#include "event_processor/configuration.h"

#include <boost/json.hpp>

namespace event_processor {
namespace {

namespace json = boost::json;

std::string config_request() {
  return json::serialize(
      json::object{{"TableName", kConfigTable},
                   {"Key", json::object{{"Environment", json::object{{"S", kConfigEnvironment}}}}},
                   {"ConsistentRead", true}});
}

// Item.<key>.S, or nothing.
std::optional<std::string> text_in_item(std::string_view answer, std::string_view key) {
  boost::system::error_code code;
  const json::value body = json::parse(answer, code);
  if (code) return std::nullopt;
  const json::value* at = &body;
  for (const std::string_view step : {std::string_view("Item"), key, std::string_view("S")}) {
    const auto* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(step);
    if (at == nullptr) return std::nullopt;
  }
  if (!at->is_string() || at->get_string().empty()) return std::nullopt;
  return std::string(at->get_string());
}

}  // namespace

sdk::Result<std::string> Configuration::data_table(sdk::Deadline deadline) {
  if (table_) return *table_;
  auto answer = dynamodb_.call("GetItem", config_request(), deadline);
  if (!answer) return std::unexpected(answer.error());
  auto table = text_in_item(*answer, kDataTableKey);
  if (!table) {
    return sdk::failure(sdk::Fault::kConfiguration, "ConfigurationMissing",
                        "table " + std::string(kConfigTable) + " has no " +
                            std::string(kDataTableKey) + " for environment " +
                            std::string(kConfigEnvironment));
  }
  table_ = std::move(table);
  return *table_;
}

}  // namespace event_processor
