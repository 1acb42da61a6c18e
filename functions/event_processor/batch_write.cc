#include "event_processor/batch_write.h"

#include <boost/json.hpp>

namespace event_processor {
namespace {

namespace json = boost::json;

json::object text_value(std::string_view text) { return {{"S", text}}; }

json::object put_request(const Item& item) {
  json::object attributes{{"Username", text_value(item.username)},
                          {"Timestamp", text_value(item.timestamp)}};
  if (item.message) attributes.emplace("Message", text_value(*item.message));
  return {{"PutRequest", json::object{{"Item", std::move(attributes)}}}};
}

// object[key] if both are there and it is an object.
const json::object* object_at(const json::value* value, std::string_view key) {
  const auto* object = value == nullptr ? nullptr : value->if_object();
  const auto* inner = object == nullptr ? nullptr : object->if_contains(key);
  return inner == nullptr ? nullptr : inner->if_object();
}

const json::string* text_of(const json::object& item, std::string_view attribute) {
  const auto* value = item.if_contains(attribute);
  const auto* typed = value == nullptr ? nullptr : value->if_object();
  const auto* text = typed == nullptr ? nullptr : typed->if_contains("S");
  return text == nullptr ? nullptr : text->if_string();
}

std::unexpected<sdk::Error> bad_answer() {
  return sdk::failure(sdk::Fault::kProtocol, "BadBatchWriteAnswer",
                      "DynamoDB's answer to BatchWriteItem cannot be read");
}

}  // namespace

std::string batch_write_request(std::string_view table, std::span<const Item> items) {
  json::array puts;
  puts.reserve(items.size());
  for (const Item& item : items) puts.push_back(put_request(item));
  return json::serialize(json::object{{"RequestItems", json::object{{table, std::move(puts)}}}});
}

sdk::Result<std::vector<Key>> unprocessed_keys(std::string_view table, std::string_view answer) {
  boost::system::error_code code;
  const json::value body = json::parse(answer, code);
  if (code || !body.is_object()) return bad_answer();
  std::vector<Key> keys;
  const json::object* unprocessed = object_at(&body, "UnprocessedItems");
  const json::value* puts = unprocessed == nullptr ? nullptr : unprocessed->if_contains(table);
  if (puts == nullptr) return keys;
  if (!puts->is_array()) return bad_answer();
  for (const json::value& put : puts->get_array()) {
    const json::object* request = object_at(&put, "PutRequest");
    const json::value* item = request == nullptr ? nullptr : request->if_contains("Item");
    if (item == nullptr || !item->is_object()) return bad_answer();
    const auto* username = text_of(item->get_object(), "Username");
    const auto* timestamp = text_of(item->get_object(), "Timestamp");
    if (username == nullptr || timestamp == nullptr) return bad_answer();
    keys.emplace_back(std::string(*username), std::string(*timestamp));
  }
  return keys;
}

}  // namespace event_processor
