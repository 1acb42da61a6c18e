#include "mapping/event.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/time_text.h"

namespace mapping {
namespace {

namespace json = boost::json;

constexpr std::size_t kRecordFrameBytes = 400;  // names, quotes and numbers around the values

// Keys that all records of an event share, after the record's own part.
std::string common_tail(const EventFrame& frame) {
  return fmt::format(
      R"(,"eventSource":"aws:kinesis","eventVersion":"1.0","eventName":"aws:kinesis:record",)"
      R"("invokeIdentityArn":{},"awsRegion":{},"eventSourceARN":{}}})",
      json::serialize(json::string(frame.role_arn)), json::serialize(json::string(frame.region)),
      json::serialize(json::string(frame.event_source_arn)));
}

void append_record(std::string& out, const EventFrame& frame, const SourceRecord& record,
                   std::string_view tail) {
  if (is_of_table(frame.event_source_arn)) {
    out += record.data;
    return;
  }
  const std::int64_t ms = base::to_epoch_ms(record.arrival);
  out += R"({"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":)";
  out += json::serialize(json::string(record.partition_key));
  out += fmt::format(R"(,"sequenceNumber":"{}","data":")", record.sequence_number);
  base::append_base64(out, record.data);
  out += fmt::format(R"(","approximateArrivalTimestamp":{}.{:03}}},"eventID":"{}:{}")", ms / 1000,
                     ms % 1000, frame.shard_id, record.sequence_number);
  out += tail;
}

void append_window(std::string& out, const EventFrame& frame, const WindowFrame& window) {
  out += fmt::format(R"(,"window":{{"start":"{}","end":"{}"}},"state":)",
                     base::iso8601(window.start), base::iso8601(window.end));
  out += window.state;
  out += fmt::format(R"(,"shardId":"{}","eventSourceARN":{},"isFinalInvokeForWindow":{},)"
                     R"("isWindowTerminatedEarly":{})",
                     frame.shard_id, json::serialize(json::string(frame.event_source_arn)),
                     window.final, window.early);
}

// "$LATEST", or the version that the mapping's function names.
std::string_view executed_version(std::string_view function_arn) {
  const std::string_view last = function_arn.substr(function_arn.rfind(':') + 1);
  const bool number = !last.empty() && last.find_first_not_of("0123456789") == last.npos;
  return number ? last : "$LATEST";
}

}  // namespace

bool is_of_table(std::string_view event_source_arn) {
  return event_source_arn.starts_with("arn:aws:dynamodb:");
}

std::string stream_event(const EventFrame& frame, std::span<const SourceRecord> records,
                         const std::optional<WindowFrame>& window) {
  const std::string tail = common_tail(frame);
  std::size_t bytes = window ? kRecordFrameBytes + window->state.size() : 16;
  for (const SourceRecord& record : records) bytes += event_bytes(frame, record);
  std::string out;
  out.reserve(bytes);
  out += R"({"Records":[)";
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i > 0) out += ',';
    append_record(out, frame, records[i], tail);
  }
  out += ']';
  if (window) append_window(out, frame, *window);
  out += '}';
  return out;
}

std::size_t event_bytes(const EventFrame& frame, const SourceRecord& record) {
  if (is_of_table(frame.event_source_arn)) return record.data.size() + 1;
  return kRecordFrameBytes + (record.data.size() + 2) / 3 * 4 + record.partition_key.size() * 2 +
         record.sequence_number.size() * 2 + frame.event_source_arn.size() + frame.role_arn.size();
}

std::optional<std::size_t> first_failure(std::string_view answer,
                                         std::span<const SourceRecord> records) {
  if (answer.empty()) return std::nullopt;
  boost::system::error_code failure;
  const json::value value = json::parse(answer, failure);
  if (failure) return 0;
  if (value.is_null()) return std::nullopt;
  const json::object* const object = value.if_object();
  if (object == nullptr) return 0;
  const json::value* const items = object->if_contains("batchItemFailures");
  if (items == nullptr || items->is_null()) return std::nullopt;
  const json::array* const list = items->if_array();
  if (list == nullptr) return 0;
  std::optional<std::size_t> first;
  for (const json::value& item : *list) {
    const json::object* const entry = item.if_object();
    const json::value* const id = entry != nullptr ? entry->if_contains("itemIdentifier") : nullptr;
    if (id == nullptr || !id->is_string()) return 0;
    const auto found =
        std::ranges::find(records, std::string(id->as_string()), &SourceRecord::sequence_number);
    if (found == records.end()) return 0;
    const auto index = static_cast<std::size_t>(found - records.begin());
    first = std::min(first.value_or(index), index);
  }
  return first;
}

std::optional<std::string> window_state(std::string_view answer) {
  boost::system::error_code failure;
  const json::value value = json::parse(answer, failure);
  const json::object* const object = failure ? nullptr : value.if_object();
  const json::value* const state = object != nullptr ? object->if_contains("state") : nullptr;
  if (state == nullptr || state->is_null()) return std::nullopt;
  return json::serialize(*state);
}

std::string failure_document(const Config& config, const EventFrame& frame, const GiveUp& why,
                             std::span<const SourceRecord> records, base::Timestamp now) {
  json::object made;
  made["requestContext"] = {{"requestId", why.request_id},
                            {"functionArn", config.function_arn},
                            {"condition", why.condition},
                            {"approximateInvokeCount", why.attempts}};
  if (!why.function_error.empty())
    made["responseContext"] = {{"statusCode", 200},
                               {"executedVersion", executed_version(config.function_arn)},
                               {"functionError", why.function_error}};
  made["version"] = "1.0";
  made["timestamp"] = base::iso8601_ms(now);
  const bool of_table = is_of_table(config.event_source_arn);
  made[of_table ? "DDBStreamBatchInfo" : "KinesisBatchInfo"] = {
      {"shardId", frame.shard_id},
      {"startSequenceNumber", records.front().sequence_number},
      {"endSequenceNumber", records.back().sequence_number},
      {"approximateArrivalOfFirstRecord", base::iso8601_ms(records.front().arrival)},
      {"approximateArrivalOfLastRecord", base::iso8601_ms(records.back().arrival)},
      {"batchSize", records.size()},
      {"streamArn", config.event_source_arn}};
  made["payload"] = stream_event(frame, records);
  return json::serialize(made);
}

}  // namespace mapping
