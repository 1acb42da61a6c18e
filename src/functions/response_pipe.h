#pragma once

// ResponsePipe: what a function writes, on its way to whoever invoked it, while it is written.
// Between two cores: the function's puts pieces in, the invoker's takes them out, and the former
// waits while kPipeBytesMax lie there. Thread-safe; nothing survives a crash.
//
// The reader may go away at any time: the function then writes into nothing, as on AWS, and its
// invocation ends when it ends.

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "api/error.h"
#include "async/signal.h"
#include "functions/invocation.h"

namespace functions {

inline constexpr std::size_t kPipeBytesMax = 256U << 10U;
inline constexpr std::size_t kStreamedBytesMax = 200U << 20U;  // of one answer, as AWS allows

class ResponsePipe {
 public:
  struct Head {
    std::string version;       // that runs
    std::string content_type;  // as the runtime said; often empty
  };

  // --- the function's side ---
  void begin(Head head);
  // Takes the bytes, then waits while too many lie there. Returns at once when nobody reads or the
  // invocation is over.
  async::Task<void> write(std::string bytes);
  // The invocation is over; the first call counts. An answer that came as a whole is made into a
  // piece.
  void finish(api::Outcome<InvocationResult> outcome);

  // --- the reader's side ---
  // Waits until something was written or the invocation is over; nullopt: over without a byte.
  async::Task<std::optional<Head>> head();
  // Waits for the next piece. nullopt: there are no more, outcome() tells how it went; or `stop`
  // was requested.
  async::Task<std::optional<std::string>> read(std::stop_token stop = {});
  // After read() or head() has answered nullopt without a stop.
  const api::Outcome<InvocationResult>& outcome() const { return *outcome_; }
  void abandon();  // nothing will be read any more

 private:
  mutable std::mutex mutex_;
  std::optional<Head> head_;
  std::deque<std::string> pieces_;
  std::size_t held_ = 0;  // bytes
  bool abandoned_ = false;
  std::optional<api::Outcome<InvocationResult>> outcome_;  // set once
  async::Signal changed_;
};
using ResponsePipePtr = std::shared_ptr<ResponsePipe>;

// The reader's end: going away abandons the pipe.
class ResponseReader {
 public:
  explicit ResponseReader(ResponsePipePtr pipe) : pipe_(std::move(pipe)) {}
  ResponseReader(ResponseReader&&) = default;
  ResponseReader& operator=(ResponseReader&&) = delete;
  ~ResponseReader() {
    if (pipe_ != nullptr) pipe_->abandon();
  }
  ResponsePipe* operator->() const { return pipe_.get(); }

 private:
  ResponsePipePtr pipe_;
};

}  // namespace functions
