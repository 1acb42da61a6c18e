// What a custom resource's provider answers. Pure.
#pragma once

#include <string>
#include <string_view>

#include "config_helper/request.h"

namespace config_helper {

inline constexpr std::size_t kResponseBytesMax = 4096;  // CloudFormation reads no more
inline constexpr std::size_t kReasonBytesMax = 1024;

struct Outcome {
  bool success = false;
  std::string reason;                // why it failed; cut to kReasonBytesMax
  std::string physical_resource_id;  // must not be empty
};

// The body to PUT to the envelope's ResponseURL.
std::string response_json(const Envelope& envelope, const Outcome& outcome);

// The id of a setting: changing its environment or key makes it another resource, upon which
// CloudFormation deletes the old one; changing its value does not.
std::string physical_id(std::string_view table, const Setting& setting);

}  // namespace config_helper
