#pragma once

// EventWriter: the events of one answer, framed and encoded, on their way into a streamed body.
// Made inside the body's coroutine and lives no longer than that; on the connection's core.
//
//   wire::EventWriter events(body, api::kinesis::kSubscribeToShardEventStreamShape, format);
//   const bool sent = co_await events.send("SubscribeToShardEvent", event);
//
// Each call answers as BodyWriter::write() does: false, nobody will read any more.

#include "wire/event_stream.h"
#include "wire/http_types.h"

namespace wire {

class EventWriter {
 public:
  // `events`: the event stream's shape. All three outlive the writer.
  EventWriter(BodyWriter& body, const api::Shape& events, EventFormat format)
      : body_(body), events_(events), format_(format) {}

  // `event` is the name of one of the stream's members and `object` that member's structure, which
  // may die as soon as the call has returned.
  template <class Object>
  async::Task<bool> send(std::string_view event, const Object& object) {
    return body_.write(encode_event(events_, event, &object, format_));
  }
  // An exception, after which the body ends.
  async::Task<bool> fail(const api::Error& error) {
    return body_.write(encode_event_exception(error, format_));
  }
  async::Task<bool> drained() { return body_.drained(); }
  std::stop_token stop_token() const { return body_.stop_token(); }

 private:
  BodyWriter& body_;
  const api::Shape& events_;
  const EventFormat format_;
};

}  // namespace wire
