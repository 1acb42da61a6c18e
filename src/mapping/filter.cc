#include "mapping/filter.h"

#include <algorithm>
#include <boost/json.hpp>

namespace mapping {

base::Result<Filter> Filter::compile(std::span<const std::string> patterns) {
  if (patterns.size() > kFiltersMax)
    return base::error(base::ErrorCode::kInvalidArgument, "more than 5 filters");
  Filter made;
  for (const std::string& text : patterns) {
    ASSIGN_OR_RETURN(patterns::Pattern pattern, patterns::Pattern::parse(text));
    // The body is an object for whoever filters by it.
    if (pattern.compares("data"))
      return base::error(base::ErrorCode::kInvalidArgument, "data must be an object");
    made.patterns_.push_back(std::move(pattern));
  }
  return made;
}

// A change of a table is compared as a whole: eventName, dynamodb, ...
bool Filter::passes_change(const SourceRecord& record) const {
  boost::system::error_code failure;
  const boost::json::value change = boost::json::parse(record.data, failure);
  if (failure || !change.is_object()) return false;
  patterns::Event event;
  for (const auto& member : change.get_object())
    event.set_json(member.key(), boost::json::serialize(member.value()));
  return std::ranges::any_of(
      patterns_, [&](const patterns::Pattern& pattern) { return pattern.matches(event); });
}

bool Filter::passes(const EventFrame& frame, const SourceRecord& record) const {
  if (patterns_.empty()) return true;
  if (is_of_table(frame.event_source_arn)) return passes_change(record);
  patterns::Event event;
  event.set("kinesisSchemaVersion", "1.0");
  event.set("partitionKey", record.partition_key);
  event.set("sequenceNumber", record.sequence_number);
  event.set("approximateArrivalTimestamp",
            static_cast<double>(base::to_epoch_ms(record.arrival)) / 1000);
  event.set("eventSource", "aws:kinesis");
  event.set("eventVersion", "1.0");
  event.set("eventID", frame.shard_id + ":" + record.sequence_number);
  event.set("eventName", "aws:kinesis:record");
  event.set("invokeIdentityArn", frame.role_arn);
  event.set("awsRegion", frame.region);
  event.set("eventSourceARN", frame.event_source_arn);
  const bool readable = event.set_json("data", record.data);
  return std::ranges::any_of(patterns_, [&](const patterns::Pattern& pattern) {
    return (readable || !pattern.asks_for("data")) && pattern.matches(event);
  });
}

}  // namespace mapping
