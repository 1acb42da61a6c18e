// A custom resource's request, as CloudFormation sends it to its provider function. Pure.
#pragma once

#include <string>
#include <string_view>

#include "sdk/result.h"

namespace config_helper {

enum class RequestType { kCreate, kUpdate, kDelete };

// What an answer must repeat, and where it goes.
struct Envelope {
  std::string response_url;  // presigned: whoever has it can answer for us, so it is never logged
  std::string stack_id;
  std::string request_id;
  std::string logical_resource_id;
  std::string physical_resource_id;  // empty on Create
  RequestType type;
};

// Properties Environment, Key and Value: the configuration table's item `environment` is to hold
// the attribute `key` with the text `value`.
struct Setting {
  std::string environment;
  std::string key;
  std::string value;
};

// Errors: kInput if the payload cannot be answered at all (no ResponseURL, ids, known type).
sdk::Result<Envelope> parse_envelope(std::string_view payload);
// Errors: kInput, naming the property that is missing or empty. Value is not needed for Delete.
sdk::Result<Setting> parse_setting(std::string_view payload, RequestType type);

}  // namespace config_helper
