#pragma once

// A change as JSON: what Lambda functions get, and what Kinesis destinations get. Pure.

#include "changes/stream.h"

namespace changes {

// An item as DynamoDB writes it: {"k":{"S":"a"}}.
void append_json(std::string& out, const tables::Item& item);

// One of the Records of an event.
std::string event_record(const StreamInfo& stream, std::size_t shard, const Record& record);

// The data of a record in a Kinesis data stream.
std::string feed_document(const StreamInfo& stream, std::size_t shard, const Record& record,
                          bool microseconds);

}  // namespace changes
