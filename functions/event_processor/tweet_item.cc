#include "event_processor/tweet_item.h"

#include <boost/json.hpp>
#include <charconv>
#include <map>
#include <utility>

#include "event_processor/created_at.h"
#include "sdk/encoding.h"

namespace event_processor {
namespace {

// The code unit of a \uXXXX escape at `at`, or nothing.
std::optional<unsigned> escape_at(std::string_view json, std::size_t at) {
  if (at + 6 > json.size() || json[at] != '\\' || json[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const char* first = json.data() + at + 2;
  const auto [end, code] = std::from_chars(first, first + 4, unit, 16);
  if (code != std::errc() || end != first + 4) return std::nullopt;
  return unit;
}

bool is_high(unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low(unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; }

const boost::json::string* text_at(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

// As DynamoDB counts: names and values, in UTF-8 bytes.
std::size_t item_bytes(const Item& item) {
  std::size_t bytes = std::string_view("Username").size() + item.username.size() +
                      std::string_view("Timestamp").size() + item.timestamp.size();
  if (item.message) bytes += std::string_view("Message").size() + item.message->size();
  return bytes;
}

std::variant<Item, Malformed> item_from_tweet(const boost::json::object& tweet) {
  const auto* user = tweet.if_contains("user");
  const auto* name =
      user != nullptr && user->is_object() ? text_at(user->get_object(), "name") : nullptr;
  if (name == nullptr || name->empty()) return Malformed{"user.name is missing or empty"};
  const auto* created_at = text_at(tweet, "created_at");
  if (created_at == nullptr) return Malformed{"created_at is missing"};
  const auto timestamp = timestamp_from(*created_at);
  if (!timestamp) return Malformed{"created_at is not a time"};
  Item item{std::string(*name), *timestamp, std::nullopt};
  const auto* text = tweet.if_contains("text");
  if (text != nullptr && text->is_string()) {
    item.message = std::string(text->get_string());
  } else if (text != nullptr && !text->is_null()) {
    return Malformed{"text is not a string"};
  }
  if (item.username.size() > kHashKeyBytesMax) return Malformed{"user.name is over 2048 bytes"};
  if (item_bytes(item) > kItemBytesMax) return Malformed{"the item is over 400 KB"};
  return item;
}

}  // namespace

std::string repair_surrogates(std::string json) {
  std::size_t at = json.find('\\');
  while (at != std::string::npos && at + 1 < json.size()) {
    const auto unit = escape_at(json, at);
    std::size_t taken = 2;  // a short escape, or something the parser will refuse
    if (unit) {
      taken = 6;
      const auto next = is_high(*unit) ? escape_at(json, at + 6) : std::nullopt;
      if (next && is_low(*next)) {
        taken = 12;
      } else if (is_high(*unit) || is_low(*unit)) {
        json.replace(at + 2, 4, "fffd");
      }
    }
    at = json.find('\\', at + taken);
  }
  return json;
}

std::variant<Item, Malformed> item_from(const KinesisRecord& record) {
  if (!record.defect.empty()) return Malformed{record.defect};
  auto payload = sdk::base64_decode(record.data_base64);
  if (!payload) return Malformed{"the data is not base64"};
  const std::string json = repair_surrogates(std::move(*payload));
  boost::json::monotonic_resource memory;
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::system::error_code code;
  const auto tweet = boost::json::parse(json, code, &memory, options);
  if (code) return Malformed{"the data is not JSON: " + code.message()};
  if (!tweet.is_object()) return Malformed{"the data is not a JSON object"};
  return item_from_tweet(tweet.get_object());
}

std::vector<Item> last_of_each_key(std::vector<Item> items) {
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> last;
  for (std::size_t i = 0; i < items.size(); ++i) {
    last[{items[i].username, items[i].timestamp}] = i;
  }
  std::vector<bool> keep(items.size(), false);
  for (const auto& [key, index] : last) keep[index] = true;
  std::vector<Item> out;
  out.reserve(last.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (keep[i]) out.push_back(std::move(items[i]));
  }
  return out;
}

}  // namespace event_processor
