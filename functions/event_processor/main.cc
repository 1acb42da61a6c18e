// The Lambda function DdbEventProcessorFunction.
#include <memory>

#include "event_processor/processor.h"
#include "sdk/dynamodb.h"
#include "sdk/runtime.h"

namespace {

// Lives as long as the execution environment.
struct Function {
  std::unique_ptr<sdk::DynamoDbApi> dynamodb;
  event_processor::Processor processor;
};

sdk::Result<sdk::Handler> init(sdk::Runtime& runtime) {
  auto dynamodb =
      sdk::dynamodb_from(runtime.environment, runtime.connector, runtime.clock, runtime.random);
  if (!dynamodb) return std::unexpected(dynamodb.error());
  sdk::DynamoDbApi& client = **dynamodb;
  // std::function wants a copyable target, hence the shared pointer.
  auto function = std::make_shared<Function>(
      std::move(*dynamodb),
      event_processor::Processor(client, runtime.clock, runtime.random, runtime.log));
  return [function](const sdk::Event& event, const sdk::Context& context) {
    return function->processor.handle(event, context);
  };
}

}  // namespace

int main() { return sdk::run_function(init); }
