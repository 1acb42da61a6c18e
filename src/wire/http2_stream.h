#pragma once

// One HTTP/2 stream: a request coming in, then its answer going out. Internal to http2_*.

#include <memory>
#include <optional>
#include <string>

#include "async/core.h"
#include "wire/http_shared.h"

namespace wire {

// One waiter, woken from its own core. A wake-up before the wait is kept; several count as one.
class Wakeup {
 public:
  void set() {
    if (waiter_)
      async::Core::current()->post([waiter = std::exchange(waiter_, nullptr)] { waiter.resume(); });
    else set_ = true;
  }
  bool await_ready() { return std::exchange(set_, false); }
  void await_suspend(std::coroutine_handle<> handle) { waiter_ = handle; }
  void await_resume() {}

 private:
  bool set_ = false;
  std::coroutine_handle<> waiter_;
};

// Shared between the connection, until the stream is closed, and its handler, until it has
// answered. Touched on the connection's core only.
struct Http2Stream {
  Http2Stream(std::int32_t its_id, BodyBudget& budget) : id(its_id), share(budget) {}

  const std::int32_t id;

  // The request. `refused`: the status to answer instead of asking the handler.
  HttpRequest request;
  std::size_t header_bytes = 0;
  std::optional<std::uint64_t> content_length;
  BodyShare share;
  int refused = 0;
  bool dispatched = false;  // the whole request is here, or it was refused

  // The answer. `body` holds what is to be sent from `sent` on; a streamed one is refilled.
  std::string body;
  std::shared_ptr<const BodyShare> answer_share;  // what `body` counts against
  std::size_t sent = 0;
  bool streaming = false;
  bool ended = false;                // nothing will be added to `body`
  Wakeup drained;                    // a streamed body's writer waits here
  base::SteadyTime patient_until{};  // HttpResponse's
  std::optional<std::stop_source> stop;

  bool closed = false;
  // By when the peer must have moved on; max while it is our turn.
  base::SteadyTime deadline = base::SteadyTime::max();
  base::SteadyTime started;  // of the transfer that `deadline` is about
  std::size_t moved = 0;     // by it
};

}  // namespace wire
