// BatchWriteItem's input and output as text. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event_processor/tweet_item.h"
#include "sdk/result.h"

namespace event_processor {

inline constexpr std::size_t kBatchItemsMax = 25;  // DynamoDB's limit a request

// At most kBatchItemsMax items with different keys.
std::string batch_write_request(std::string_view table, std::span<const Item> items);

using Key = std::pair<std::string, std::string>;  // username, timestamp

// The keys that DynamoDB did not write this time. Errors: kProtocol if the answer is not a
// BatchWriteItem answer.
sdk::Result<std::vector<Key>> unprocessed_keys(std::string_view table, std::string_view answer);

}  // namespace event_processor
