#pragma once

// Stream: a connection's two directions of bytes, over TCP (tcp.h), TLS (tls.h) or memory
// (memory_stream.h).
//
// Owned by whoever serves the connection; touched on one core only. One read and one write may be
// pending at a time, side by side. A Stream may be destroyed only while nothing is pending on it:
// close() first, and await what was pending.
//
//   const auto count = co_await stream.read_some(buffer);     // Result<size_t>, 0 = end of stream
//   const auto written = co_await stream.write(head, body);   // Status, all of it or an error
//
// Both awaitables keep their state in the awaiting coroutine, so an operation allocates nothing.
// Errors: kTimeout (the deadline passed), kCancelled (close()), kIo (the peer is gone).

#include <array>
#include <coroutine>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "async/core.h"
#include "base/result.h"

namespace async {

class Stream {
 public:
  // One pending operation. Implementations fill `result` and call finish() once.
  template <class R>
  struct Operation {
    R result{};
    bool done = false;
    std::coroutine_handle<> waiter;

    // Touches nothing after it has resumed the waiter.
    void finish(R value) {
      result = std::move(value);
      done = true;
      if (waiter) waiter.resume();
    }
  };
  struct ReadOperation : Operation<base::Result<std::size_t>> {
    std::span<char> into;
  };
  struct WriteOperation : Operation<base::Status> {
    std::array<std::string_view, 2> from;  // what is left to write
  };

  template <class Op>
  class Awaitable {
   public:
    Awaitable(Stream& stream, Op op) : stream_(stream), op_(std::move(op)) {}
    Awaitable(const Awaitable&) = delete;
    Awaitable& operator=(const Awaitable&) = delete;

    bool await_ready() {
      stream_.start(op_);
      return op_.done;
    }
    void await_suspend(std::coroutine_handle<> waiter) { op_.waiter = waiter; }
    auto await_resume() { return std::move(op_.result); }

   private:
    Stream& stream_;
    Op op_;
  };

  virtual ~Stream() = default;

  // At least one byte, or 0 at the end of the stream. `into` is not empty and outlives the wait.
  Awaitable<ReadOperation> read_some(std::span<char> into) {
    ReadOperation op;
    op.into = into;
    return {*this, std::move(op)};
  }
  // Both pieces, in order, in one system call where that is possible; they outlive the wait.
  Awaitable<WriteOperation> write(std::string_view first, std::string_view second = {}) {
    WriteOperation op;
    op.from = {first, second};
    return {*this, std::move(op)};
  }

  // A pending or later operation of that direction fails with kTimeout once `when` has come, until
  // a new deadline is set. Cheap when the deadline moves later: no timer is touched.
  // SteadyTime::max(): none.
  virtual void set_read_deadline(base::SteadyTime when) = 0;
  virtual void set_write_deadline(base::SteadyTime when) = 0;

  // Tells the peer that no more bytes come; reading goes on. TLS says so in its own words first.
  virtual Task<void> shutdown() = 0;
  // Ends both directions at once; what is pending ends with kCancelled, and so does all that comes
  // later. Idempotent.
  virtual void close() = 0;

  // "127.0.0.1" or "::1", without the port; "" where there is none.
  virtual std::string peer_address() const = 0;

 protected:
  // Starts an operation; may finish it before it returns.
  virtual void start(ReadOperation& op) = 0;
  virtual void start(WriteOperation& op) = 0;
};

}  // namespace async
