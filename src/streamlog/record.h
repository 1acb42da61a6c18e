#pragma once

// Record: what a stream holds, and its form in the log (docs/formats/streamlog.md). Plain values.

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"
#include "streamlog/sequence_number.h"

namespace streamlog {

struct NewRecord {
  std::string partition_key;
  std::string data;
};

struct Record {
  Position position = 0;
  base::Timestamp arrival;
  std::string partition_key;
  std::string data;
};

// Takes key and data over as they are.
store::NewEntry encode_record(NewRecord record, base::Timestamp arrival);
// kCorruption: not a record.
// Takes the bytes over: they become the record's data.
base::Result<Record> decode_record(Position position, std::string bytes);
base::Result<base::Timestamp> arrival_of(std::string_view bytes);

}  // namespace streamlog
