#pragma once

// What a feed counts. A plain value, touched on the feed's core only.

#include <cstdint>
#include <string>

namespace feed {

struct Figures {
  std::uint64_t records = 0;    // acknowledged
  std::uint64_t bytes = 0;      // of their data and keys
  std::uint64_t requests = 0;   // sent
  std::uint64_t retried = 0;    // records that had to be sent again, each time counted
  std::uint64_t malformed = 0;  // passed over with a warning
  std::uint64_t skipped = 0;    // messages of the source that are no records
};

// "records=5 bytes=... retried=..." with the rate over `seconds`.
std::string to_string(const Figures& figures, double seconds);

}  // namespace feed
