#pragma once

// PutRecords on the wire (Kinesis_20131202, JSON 1.1), and what to do with its answers. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "feed/batch.h"

namespace feed {

std::string put_records_body(std::string_view stream, const std::vector<Record>& records);

struct Verdict {
  enum class What {
    kDone,   // every record is in the stream
    kRetry,  // `again` has to be sent again
    kFatal,  // it will never work; `reason` says why
  };
  What what = What::kDone;
  std::vector<std::size_t> again;  // indexes into the request's records, ascending
  std::string reason;              // AWS's code and words, for kRetry and kFatal
  std::string code;                // AWS's, for kFatal
};

// Judges an answer to a request of `records` records.
Verdict judge(int status, std::string_view body, std::size_t records);

}  // namespace feed
