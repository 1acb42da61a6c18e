#pragma once

// The JSON that a function gets for a batch, that it may answer, and that a failure destination
// gets. Pure. Shapes: "Using AWS Lambda with Amazon Kinesis" and "with Amazon DynamoDB".

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mapping/config.h"

namespace mapping {

struct EventFrame {
  std::string region;
  std::string event_source_arn;
  std::string role_arn;
  std::string shard_id;
};

// What a call within a tumbling window says beside its records.
struct WindowFrame {
  base::Timestamp start;
  base::Timestamp end;
  std::string state;  // JSON
  bool final = false;
  bool early = false;  // the window ends before its time
};

// The records are changes of a table's items, and their data is what an event shows of each.
bool is_of_table(std::string_view event_source_arn);

std::string stream_event(const EventFrame& frame, std::span<const SourceRecord> records,
                         const std::optional<WindowFrame>& window = std::nullopt);
// What one record adds to an event, in bytes, at most.
std::size_t event_bytes(const EventFrame& frame, const SourceRecord& record);

// The index of the first record that a ReportBatchItemFailures answer names: the batch is done up
// to it. nullopt: all succeeded. 0 for an answer that cannot be read or names a stranger.
std::optional<std::size_t> first_failure(std::string_view answer,
                                         std::span<const SourceRecord> records);

// The `state` of an answer within a tumbling window, as JSON; nullopt: it has none.
std::optional<std::string> window_state(std::string_view answer);

inline constexpr std::string_view kSkipped = "SkippedByOperator";  // AWS has no such condition

struct GiveUp {
  std::string condition;  // "RetryAttemptsExhausted", "RecordAgeExceeded", kSkipped
  std::string request_id;
  int attempts = 0;
  std::string function_error;  // empty: the function was never reached
};
// With the event itself, as buckets get it.
std::string failure_document(const Config& config, const EventFrame& frame, const GiveUp& why,
                             std::span<const SourceRecord> records, base::Timestamp now);

}  // namespace mapping
