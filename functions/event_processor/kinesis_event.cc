#include "event_processor/kinesis_event.h"

#include <boost/json.hpp>

namespace event_processor {
namespace {

std::string text_in(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

KinesisRecord record_from(const boost::json::value& entry) {
  KinesisRecord record;
  const auto* object = entry.if_object();
  if (object == nullptr) {
    record.defect = "the entry is not an object";
    return record;
  }
  record.event_id = text_in(*object, "eventID");
  const auto* kinesis = object->if_contains("kinesis");
  const auto* inner = kinesis == nullptr ? nullptr : kinesis->if_object();
  const auto* data = inner == nullptr ? nullptr : inner->if_contains("data");
  if (data == nullptr || !data->is_string()) {
    record.defect = "the entry has no kinesis.data";
  } else {
    record.data_base64 = data->get_string();
  }
  return record;
}

}  // namespace

sdk::Result<std::vector<KinesisRecord>> parse_kinesis_event(std::string_view payload) {
  boost::system::error_code code;
  boost::json::monotonic_resource memory;
  const auto event = boost::json::parse(payload, code, &memory);
  const auto* object = code ? nullptr : event.if_object();
  const auto* records = object == nullptr ? nullptr : object->if_contains("Records");
  const auto* list = records == nullptr ? nullptr : records->if_array();
  if (list == nullptr || list->size() > kRecordsMax) {
    return sdk::failure(sdk::Fault::kInput, "NotAKinesisEvent",
                        "the event has no list Records of at most 10000 entries");
  }
  std::vector<KinesisRecord> out;
  out.reserve(list->size());
  for (const auto& entry : *list) out.push_back(record_from(entry));
  return out;
}

}  // namespace event_processor
