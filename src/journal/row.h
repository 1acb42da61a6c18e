#pragma once

// Rows: how events lie in the store (docs/formats/logs.md). Events of one put that share a
// millisecond follow one another, whatever else comes before or later, so a row may hold several: a
// function's three lines about an invocation cost one entry instead of three. Pure.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "journal/event.h"

namespace journal {

inline constexpr std::size_t kRowEventsMax = 100;
inline constexpr std::size_t kRowBytesMax = 16U << 10U;  // of messages; one may be larger

// How many of the first events, which are in the order of time, make a row. At least 1.
std::size_t count_of_row(std::span<const NewEvent> events);

std::string encode_row(base::Timestamp ingested, std::span<const NewEvent> events);
// `first` is the position of the first event, the others follow it.
base::Result<std::vector<Event>> decode_row(Position first, std::string bytes);

// How many events a row holds.
base::Result<std::uint64_t> count_in_row(std::string_view bytes);

// A row's place in the group as a whole, under the position of its first event.
struct IndexEntry {
  std::uint64_t stream = 0;
  std::uint32_t size = 0;  // of all messages
  std::uint32_t count = 1;

  bool operator==(const IndexEntry&) const = default;
};
std::string encode_index(const IndexEntry& entry);
base::Result<IndexEntry> decode_index(std::string_view bytes);
base::Result<std::uint64_t> count_in_index(std::string_view bytes);

}  // namespace journal
