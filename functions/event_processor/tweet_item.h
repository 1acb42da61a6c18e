// From a Kinesis record to the item that is written for it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "event_processor/kinesis_event.h"

namespace event_processor {

// One item of the data table. (username, timestamp) is its key.
struct Item {
  std::string username;                // attribute Username, hash key: the tweet's user.name
  std::string timestamp;               // attribute Timestamp, range key: created_at, ISO 8601 UTC
  std::optional<std::string> message;  // attribute Message: the tweet's text; absent if null

  friend bool operator==(const Item&, const Item&) = default;
};

// Why a record gives no item; never quotes the record's content.
struct Malformed {
  std::string reason;
};

// DynamoDB's own limits: an item over them would have its whole batch refused.
inline constexpr std::size_t kHashKeyBytesMax = 2048;
inline constexpr std::size_t kItemBytesMax = 400 * 1024;
inline constexpr std::size_t kJsonDepthMax = 64;

// Every character is kept. The one exception is half of a surrogate pair in an escape, which has
// no UTF-8 form: it becomes U+FFFD, as it would in JavaScript.
std::variant<Item, Malformed> item_from(const KinesisRecord& record);

// Replaces unpaired surrogates among a JSON text's \u escapes with \ufffd, in place of the same
// length.
std::string repair_surrogates(std::string json);

// Items with equal keys become one, the last; the others keep their order. BatchWriteItem refuses
// a batch that names a key twice, and of two puts in order the last is what would remain.
std::vector<Item> last_of_each_key(std::vector<Item> items);

}  // namespace event_processor
