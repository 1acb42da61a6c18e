// The custom resource Custom::ConfigSetting: keeps one attribute of the configuration table equal
// to what the template says.
#pragma once

#include <string>

#include "config_helper/request.h"
#include "config_helper/response.h"
#include "sdk/dynamodb.h"
#include "sdk/log.h"
#include "sdk/runtime.h"

namespace config_helper {

// Puts an answer to a presigned URL; an interface so that tests need no network.
class Answerer {
 public:
  virtual ~Answerer() = default;
  // Errors: kInput (bad URL), kConnection, kTimeout, kService (refused).
  virtual sdk::Result<void> put(const std::string& url, const std::string& body,
                                sdk::Deadline deadline) = 0;
};

class Helper {
 public:
  // Left of the time limit for the answer, so that a slow table is still reported as a failure:
  // a stack whose provider says nothing waits for an hour.
  static constexpr std::int64_t kAnswerReserveMs = 8000;

  Helper(sdk::DynamoDbApi& dynamodb, Answerer& answerer, sdk::Log& log, std::string table)
      : dynamodb_(dynamodb), answerer_(answerer), log_(log), table_(std::move(table)) {}

  // Create and Update set the attribute, Delete removes it (and leaves the item). A Delete always
  // succeeds, its failures are only logged: a stack must not hang on a table that has gone.
  // Errors: only what keeps the answer from being delivered.
  sdk::Result<std::string> handle(const sdk::Event& event, const sdk::Context& context);

 private:
  Outcome apply(const Envelope& envelope, const std::string& payload, sdk::Deadline deadline);

  sdk::DynamoDbApi& dynamodb_;
  Answerer& answerer_;
  sdk::Log& log_;
  std::string table_;
};

// UpdateItem's input. The attribute's name goes through a placeholder: any name is allowed.
std::string update_request(const std::string& table, const Setting& setting, RequestType type);

}  // namespace config_helper
