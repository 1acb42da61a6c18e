// The Lambda function AddConfigSetting behind the custom resource Custom::ConfigSetting. The
// table's name comes in the environment variable CONFIG_TABLE.
#include <memory>

#include "config_helper/helper.h"
#include "config_helper/url_answerer.h"
#include "sdk/dynamodb.h"
#include "sdk/runtime.h"

namespace {

// Lives as long as the execution environment; the helper refers to the other two.
class Function {
 public:
  Function(std::unique_ptr<sdk::DynamoDbApi> dynamodb, sdk::Runtime& runtime, std::string table)
      : dynamodb_(std::move(dynamodb)),
        answerer_(runtime.connector, runtime.clock, runtime.random),
        helper_(*dynamodb_, answerer_, runtime.log, std::move(table)) {}

  sdk::Result<std::string> handle(const sdk::Event& event, const sdk::Context& context) {
    return helper_.handle(event, context);
  }

 private:
  std::unique_ptr<sdk::DynamoDbApi> dynamodb_;
  config_helper::UrlAnswerer answerer_;
  config_helper::Helper helper_;
};

sdk::Result<sdk::Handler> init(sdk::Runtime& runtime) {
  std::string table = runtime.environment.get("CONFIG_TABLE");
  if (table.empty()) {
    return sdk::failure(sdk::Fault::kConfiguration, "MissingVariable",
                        "the environment variable CONFIG_TABLE is not set");
  }
  auto dynamodb =
      sdk::dynamodb_from(runtime.environment, runtime.connector, runtime.clock, runtime.random);
  if (!dynamodb) return std::unexpected(dynamodb.error());
  // std::function wants a copyable target, hence the shared pointer.
  auto function = std::make_shared<Function>(std::move(*dynamodb), runtime, std::move(table));
  return [function](const sdk::Event& event, const sdk::Context& context) {
    return function->handle(event, context);
  };
}

}  // namespace

int main() { return sdk::run_function(init); }
