// Where the function writes to: read from the configuration table once an execution environment.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sdk/dynamodb.h"

namespace event_processor {

// Part of the stack's contract: templates/stream-processing.yaml makes a table of this name.
inline constexpr std::string_view kConfigTable = "StreamProcessingRefArchConfig";
inline constexpr std::string_view kConfigEnvironment = "demo";
inline constexpr std::string_view kDataTableKey = "EventDataTable";

class Configuration {
 public:
  explicit Configuration(sdk::DynamoDbApi& dynamodb) : dynamodb_(dynamodb) {}

  // The data table's name. A failure is not remembered: the next invocation asks again.
  // Errors: DynamoDB's; kConfiguration (ConfigurationMissing) if there is no such entry.
  sdk::Result<std::string> data_table(sdk::Deadline deadline);
  // Makes the next data_table() read again; for when the table it names has gone.
  void forget() { table_.reset(); }

 private:
  sdk::DynamoDbApi& dynamodb_;
  std::optional<std::string> table_;
};

}  // namespace event_processor
