#include "config_helper/response.h"

#include <boost/json.hpp>

#include "sdk/encoding.h"

namespace config_helper {

std::string response_json(const Envelope& envelope, const Outcome& outcome) {
  return boost::json::serialize(
      boost::json::object{{"Status", outcome.success ? "SUCCESS" : "FAILED"},
                          {"Reason", sdk::utf8_prefix(outcome.reason, kReasonBytesMax)},
                          {"PhysicalResourceId", outcome.physical_resource_id},
                          {"StackId", envelope.stack_id},
                          {"RequestId", envelope.request_id},
                          {"LogicalResourceId", envelope.logical_resource_id},
                          {"Data", boost::json::object()}});
}

std::string physical_id(std::string_view table, const Setting& setting) {
  // CloudFormation takes up to 1024 bytes.
  const std::string id = std::string(table) + "/" + setting.environment + "/" + setting.key;
  return std::string(sdk::utf8_prefix(id, 1024));
}

}  // namespace config_helper
