#include "config_helper/request.h"

#include <boost/json.hpp>
#include <optional>

namespace config_helper {
namespace {

namespace json = boost::json;

std::string text_in(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<json::object> parse_object(std::string_view payload) {
  boost::system::error_code code;
  json::value value = json::parse(payload, code);
  if (code || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::optional<RequestType> request_type(std::string_view text) {
  if (text == "Create") return RequestType::kCreate;
  if (text == "Update") return RequestType::kUpdate;
  if (text == "Delete") return RequestType::kDelete;
  return std::nullopt;
}

}  // namespace

sdk::Result<Envelope> parse_envelope(std::string_view payload) {
  const auto event = parse_object(payload);
  const auto type = event ? request_type(text_in(*event, "RequestType")) : std::nullopt;
  if (!type) {
    return sdk::failure(sdk::Fault::kInput, "NotACustomResourceRequest",
                        "the event has no RequestType Create, Update or Delete");
  }
  Envelope envelope{text_in(*event, "ResponseURL"),        text_in(*event, "StackId"),
                    text_in(*event, "RequestId"),          text_in(*event, "LogicalResourceId"),
                    text_in(*event, "PhysicalResourceId"), *type};
  if (envelope.response_url.empty() || envelope.stack_id.empty() || envelope.request_id.empty() ||
      envelope.logical_resource_id.empty()) {
    return sdk::failure(sdk::Fault::kInput, "NotACustomResourceRequest",
                        "ResponseURL, StackId, RequestId or LogicalResourceId is missing");
  }
  return envelope;
}

sdk::Result<Setting> parse_setting(std::string_view payload, RequestType type) {
  const auto event = parse_object(payload);
  const auto* value = event ? event->if_contains("ResourceProperties") : nullptr;
  const auto* properties = value == nullptr ? nullptr : value->if_object();
  Setting setting;
  if (properties != nullptr) {
    setting = {text_in(*properties, "Environment"), text_in(*properties, "Key"),
               text_in(*properties, "Value")};
  }
  const char* missing = nullptr;
  if (setting.value.empty() && type != RequestType::kDelete) missing = "Value";
  if (setting.key.empty()) missing = "Key";
  if (setting.environment.empty()) missing = "Environment";
  if (missing == nullptr) return setting;
  return sdk::failure(sdk::Fault::kInput, "MissingProperty",
                      std::string("the property ") + missing + " must be a text, not empty");
}

}  // namespace config_helper
