#pragma once

// Where reading a stream begins, as a person says it. Pure.

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace client {

struct From {
  enum class Kind { kTrim, kLatest, kTime, kSequence };
  Kind kind = Kind::kTrim;
  base::Timestamp time{};  // kTime
  std::string sequence;    // kSequence
};

// "trim", "latest", a time (ISO 8601, seconds since 1970, or "90s", "15m", "2h", "1d" ago), or a
// sequence number. kInvalidArgument says so.
base::Result<From> parse_from(std::string_view text, base::Timestamp now);

}  // namespace client
