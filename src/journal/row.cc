#include "journal/row.h"

#include "base/check.h"
#include "base/encoding.h"

namespace journal {
namespace {

constexpr char kOne = 1;      // the message is the rest
constexpr char kSeveral = 2;  // each message behind its length
constexpr std::size_t kHead = 1 + 8;
constexpr std::size_t kIndexOfOne = 12;
constexpr std::size_t kIndexOfSeveral = 16;

auto unknown() { return base::error(base::ErrorCode::kCorruption, "a log row of an unknown form"); }

base::Result<std::vector<std::string_view>> messages_of(std::string_view bytes) {
  if (bytes.size() < kHead || (bytes[0] != kOne && bytes[0] != kSeveral)) return unknown();
  std::vector<std::string_view> messages;
  std::string_view rest = bytes.substr(kHead);
  if (bytes[0] == kOne) {
    messages.push_back(rest);
    return messages;
  }
  while (!rest.empty()) {
    if (rest.size() < 4 || rest.size() - 4 < base::read_u32(rest)) return unknown();
    const std::size_t size = base::read_u32(rest);
    messages.push_back(rest.substr(4, size));
    rest.remove_prefix(4 + size);
  }
  return messages;
}

}  // namespace

std::size_t count_of_row(std::span<const NewEvent> events) {
  CHECK(!events.empty());
  std::size_t count = 1;
  std::size_t bytes = events[0].message.size();
  while (count < events.size() && count < kRowEventsMax &&
         events[count].time_ms == events[0].time_ms) {
    bytes += events[count].message.size();
    if (bytes > kRowBytesMax) break;
    ++count;
  }
  return count;
}

std::string encode_row(base::Timestamp ingested, std::span<const NewEvent> events) {
  CHECK(!events.empty());
  std::string bytes(1, events.size() == 1 ? kOne : kSeveral);
  base::append_u64(bytes, static_cast<std::uint64_t>(base::to_epoch_ms(ingested)));
  if (events.size() == 1) return bytes += events[0].message;
  for (const NewEvent& event : events) {
    base::append_u32(bytes, static_cast<std::uint32_t>(event.message.size()));
    bytes += event.message;
  }
  return bytes;
}

base::Result<std::vector<Event>> decode_row(Position first, std::string bytes) {
  ASSIGN_OR_RETURN(const auto messages, messages_of(bytes));
  const base::Timestamp ingested = base::from_epoch_ms(
      static_cast<std::int64_t>(base::read_u64(std::string_view(bytes).substr(1))));
  std::vector<Event> events;
  events.reserve(messages.size());
  for (const std::string_view message : messages)
    events.push_back({first.after(events.size()), ingested, std::string(message)});
  return events;
}

base::Result<std::uint64_t> count_in_row(std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto messages, messages_of(bytes));
  return messages.size();
}

std::string encode_index(const IndexEntry& entry) {
  std::string bytes;
  base::append_u64(bytes, entry.stream);
  base::append_u32(bytes, entry.size);
  if (entry.count != 1) base::append_u32(bytes, entry.count);
  return bytes;
}

base::Result<IndexEntry> decode_index(std::string_view bytes) {
  if (bytes.size() != kIndexOfOne && bytes.size() != kIndexOfSeveral) return unknown();
  IndexEntry entry{.stream = base::read_u64(bytes), .size = base::read_u32(bytes.substr(8))};
  if (bytes.size() == kIndexOfSeveral) entry.count = base::read_u32(bytes.substr(12));
  return entry;
}

base::Result<std::uint64_t> count_in_index(std::string_view bytes) {
  ASSIGN_OR_RETURN(const IndexEntry entry, decode_index(bytes));
  return entry.count;
}

}  // namespace journal
