#pragma once

// SseParser: server-sent events (the text/event-stream of the HTML standard), byte by byte as they
// come. Pure; a value of one coroutine.
//
// Lines end with LF, CR or CR LF. An event that the stream breaks off in the middle is dropped, as
// the standard says. Bounded: an event whose data grows over the limit is dropped and counted.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace feed {

struct SseEvent {
  std::string type;  // "message" unless the stream says otherwise
  std::string data;  // its lines with LF between them; never empty
  std::string id;    // the last one that the stream named, maybe with an earlier event
};

class SseParser {
 public:
  // `last_id`: where an earlier connection ended.
  explicit SseParser(std::size_t event_bytes_max, std::string last_id = {})
      : event_bytes_max_(event_bytes_max), last_id_(std::move(last_id)) {}

  void feed(std::string_view bytes);
  // The events that are complete, in order.
  std::optional<SseEvent> next();

  // How long to wait before a new connection, if the server has said so.
  std::optional<std::uint64_t> retry_ms() const { return retry_ms_; }
  std::uint64_t dropped() const { return dropped_; }  // events over the limit

 private:
  void end_line();
  void field(std::string_view name, std::string_view value);
  void dispatch();

  std::size_t event_bytes_max_;
  std::deque<SseEvent> ready_;
  std::string line_;
  std::string type_;
  std::string data_;
  std::string last_id_;
  std::optional<std::uint64_t> retry_ms_;
  std::uint64_t dropped_ = 0;
  bool after_cr_ = false;
  bool at_start_ = true;   // a byte order mark may come
  bool too_long_ = false;  // this event is dropped at its end
};

}  // namespace feed
