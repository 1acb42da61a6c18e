#pragma once

// The numbers that clients are given to come back with, in AWS's forms of 56 digits. Pure. They
// name places, and grant nothing: whoever uses one is authorised for the stream as a whole.

#include <optional>
#include <string>
#include <string_view>

#include "journal/event.h"

namespace services::logs {

// Grows with every event of the stream.
std::string upload_token(std::uint64_t stream, std::uint64_t last_order);
// Different for any two events of this server; the same whenever an event is shown.
std::string event_id(std::uint64_t stream, journal::Position position);

// "f/DIGITS/s" reads on from a place, "b/DIGITS/s" reads back from it.
struct PageToken {
  bool forward = true;
  std::uint64_t stream = 0;
  journal::Position position;

  std::string to_string() const;
  static std::optional<PageToken> parse(std::string_view text);
};

}  // namespace services::logs
