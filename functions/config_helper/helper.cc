#include "config_helper/helper.h"

#include <boost/json.hpp>

namespace config_helper {
namespace {

namespace json = boost::json;

const char* name_of(RequestType type) {
  switch (type) {
    case RequestType::kCreate: return "Create";
    case RequestType::kUpdate: return "Update";
    case RequestType::kDelete: return "Delete";
  }
  return "?";
}

}  // namespace

std::string update_request(const std::string& table, const Setting& setting, RequestType type) {
  json::object request{
      {"TableName", table},
      {"Key", json::object{{"Environment", json::object{{"S", setting.environment}}}}},
      {"ExpressionAttributeNames", json::object{{"#key", setting.key}}}};
  if (type == RequestType::kDelete) {
    request.emplace("UpdateExpression", "REMOVE #key");
  } else {
    request.emplace("UpdateExpression", "SET #key = :value");
    request.emplace("ExpressionAttributeValues",
                    json::object{{":value", json::object{{"S", setting.value}}}});
  }
  return json::serialize(request);
}

sdk::Result<std::string> Helper::handle(const sdk::Event& event, const sdk::Context& context) {
  auto envelope = parse_envelope(event.payload);
  if (!envelope) return std::unexpected(envelope.error());
  const Outcome outcome =
      apply(*envelope, event.payload, context.deadline().minus_ms(kAnswerReserveMs));
  log_.line(std::string(name_of(envelope->type)) + " " + envelope->logical_resource_id + " " +
            (outcome.success ? "SUCCESS" : "FAILED") +
            (outcome.reason.empty() ? "" : ": " + outcome.reason));
  auto sent =
      answerer_.put(envelope->response_url, response_json(*envelope, outcome), context.deadline());
  if (!sent) return std::unexpected(sent.error());
  return json::serialize(json::object{{"Status", outcome.success ? "SUCCESS" : "FAILED"},
                                      {"PhysicalResourceId", outcome.physical_resource_id}});
}

Outcome Helper::apply(const Envelope& envelope, const std::string& payload,
                      sdk::Deadline deadline) {
  const bool deleting = envelope.type == RequestType::kDelete;
  // What identifies the resource until its own id can be made.
  std::string id = envelope.physical_resource_id.empty()
                       ? table_ + "/" + envelope.logical_resource_id
                       : envelope.physical_resource_id;
  auto setting = parse_setting(payload, envelope.type);
  if (!setting) return {deleting, setting.error().message, std::move(id)};
  if (!deleting) id = physical_id(table_, *setting);
  auto updated =
      dynamodb_.call("UpdateItem", update_request(table_, *setting, envelope.type), deadline);
  if (updated) return {true, "", std::move(id)};
  return {deleting, updated.error().type + ": " + updated.error().message, std::move(id)};
}

}  // namespace config_helper
