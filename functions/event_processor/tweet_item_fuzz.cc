// The bytes as an event, and as the data of a record.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "event_processor/kinesis_event.h"
#include "event_processor/tweet_item.h"
#include "sdk/encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto records = event_processor::parse_kinesis_event(bytes)) {
    for (const auto& record : *records) event_processor::item_from(record);
  }
  const auto made = event_processor::item_from({"id", sdk::base64_encode(bytes), ""});
  const auto* item = std::get_if<event_processor::Item>(&made);
  if (item != nullptr && (item->username.empty() || item->timestamp.size() != 24)) std::abort();
  if (event_processor::repair_surrogates(std::string(bytes)).size() != size) std::abort();
  return 0;
}
