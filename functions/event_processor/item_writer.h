// Writes items to the data table, 25 a request, until none is left or the time is up.
#pragma once

#include <string_view>
#include <vector>

#include "event_processor/tweet_item.h"
#include "sdk/backoff.h"
#include "sdk/dynamodb.h"

namespace event_processor {

struct WriteReport {
  std::size_t written = 0;
  std::size_t calls = 0;
  std::size_t retried = 0;  // items that DynamoDB handed back, each time counted
};

class ItemWriter {
 public:
  ItemWriter(sdk::DynamoDbApi& dynamodb, sdk::Clock& clock, sdk::Random& random,
             sdk::Backoff backoff = {})
      : dynamodb_(dynamodb), clock_(clock), random_(random), backoff_(backoff) {}

  // The items' keys must differ. What DynamoDB hands back as unprocessed goes to the front of
  // the queue and is tried again after a pause that grows while nothing at all gets written.
  // Errors: DynamoDB's; kTimeout (ItemsNotWritten) if items are left when `deadline` comes. Some
  // items are written then; writing them again is harmless, so the batch may just be repeated.
  sdk::Result<WriteReport> write(std::string_view table, std::vector<Item> items,
                                 sdk::Deadline deadline);

 private:
  sdk::DynamoDbApi& dynamodb_;
  sdk::Clock& clock_;
  sdk::Random& random_;
  sdk::Backoff backoff_;
};

}  // namespace event_processor
