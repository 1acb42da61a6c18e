// The event processor: one batch of a Kinesis event source mapping into the data table.
#pragma once

#include <string>
#include <vector>

#include "event_processor/configuration.h"
#include "event_processor/item_writer.h"
#include "sdk/log.h"
#include "sdk/runtime.h"

namespace event_processor {

class Processor {
 public:
  // Left of the time limit for telling the runtime that the invocation failed.
  static constexpr std::int64_t kAnswerReserveMs = 300;

  Processor(sdk::DynamoDbApi& dynamodb, sdk::Clock& clock, sdk::Random& random, sdk::Log& log)
      : clock_(clock), log_(log), configuration_(dynamodb), writer_(dynamodb, clock, random) {}

  // Answer: the batch's figures as JSON. A malformed record is logged with its eventID and passed
  // over. An error fails the invocation, upon which the mapping brings the same batch again.
  sdk::Result<std::string> handle(const sdk::Event& event, const sdk::Context& context);

 private:
  struct Decoded {
    std::vector<Item> items;  // keys differ
    std::size_t records = 0;
    std::size_t malformed = 0;
    std::size_t replaced = 0;  // by a later record with the same key
  };
  sdk::Result<Decoded> decode(std::string_view payload);
  sdk::Result<WriteReport> store(std::vector<Item> items, sdk::Deadline deadline);
  std::string report(const Decoded& batch, const WriteReport& write, std::int64_t span_ms);

  sdk::Clock& clock_;
  sdk::Log& log_;
  Configuration configuration_;
  ItemWriter writer_;
};

}  // namespace event_processor
