#pragma once

// application/vnd.amazon.eventstream: messages of typed headers and a payload, each guarded by two
// CRC-32s. Answers of SubscribeToShard and InvokeWithResponseStream. Pure functions, thread-safe.
//
//   4 bytes total length · 4 headers' length · 4 CRC of those 8 · headers · payload · 4 CRC of all
//
// Limits: kEventHeadersMax bytes of headers, kEventPayloadMax bytes of payload.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/error.h"
#include "api/shape.h"
#include "base/clock.h"
#include "base/result.h"
#include "wire/event_format.h"

namespace wire {

inline constexpr std::size_t kEventHeadersMax = 128UL << 10;
inline constexpr std::size_t kEventPayloadMax = 24UL << 20;
inline constexpr std::string_view kEventStreamContentType = "application/vnd.amazon.eventstream";

struct EventBytes {
  std::string bytes;
  bool operator==(const EventBytes&) const = default;
};
struct EventUuid {
  std::string bytes;  // 16
  bool operator==(const EventUuid&) const = default;
};
using EventHeaderValue = std::variant<bool, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                      EventBytes, std::string, base::Timestamp, EventUuid>;

struct EventHeader {
  std::string name;  // 1 to 255 bytes
  EventHeaderValue value;
  bool operator==(const EventHeader&) const = default;
};

struct EventMessage {
  std::vector<EventHeader> headers;
  std::string payload;

  // A header's text; nullptr: none of that name, or not text.
  const std::string* text(std::string_view name) const;
  bool operator==(const EventMessage&) const = default;
};

std::string encode_event_message(const EventMessage& message);

// The message at the front of `bytes` and how many bytes it took; nullopt: not all there yet.
// Errors: kCorruption.
struct DecodedEvent {
  EventMessage message;
  std::size_t bytes = 0;
};
base::Result<std::optional<DecodedEvent>> decode_event_message(std::string_view bytes);

// The first message of SubscribeToShard's answer (":event-type" "initial-response"); some clients
// fail without it.
std::string encode_initial_response(EventFormat format);

// One event. `events` is the event stream's shape and `event` the name of one of its members,
// `object` that member's structure: the blob payload if it has one, else the structure as a body.
std::string encode_event(const api::Shape& events, std::string_view event, const void* object,
                         EventFormat format);

// A modelled exception, after which the stream ends.
std::string encode_event_exception(const api::Error& error, EventFormat format);

}  // namespace wire
