#pragma once

// LogWriter: one log stream's lines on their way to the LogSink, in batches, so that no invocation
// ever waits for its log. An invocation's lines are written as it ends, but no more often than
// every kLogFlushInterval: invocations that follow each other closely share a write and its sync.
// Lives on its instance's core. Lines that were not written when the server crashes are lost, as
// are those beyond the bounds; the latter are counted in the log itself.

#include <deque>

#include "async/gate.h"
#include "async/signal.h"
#include "functions/ports.h"

namespace functions {

inline constexpr std::size_t kLogBatchLines = 10'000;
inline constexpr std::size_t kLogBatchBytes = 1'048'576;  // with kLogLineOverhead for each line
inline constexpr std::size_t kLogLineOverhead = 26;
inline constexpr std::size_t kLogLineBytesMax = kLogBatchBytes - kLogLineOverhead;
inline constexpr std::size_t kLogQueueBytesMax = 8U << 20U;
inline constexpr std::chrono::milliseconds kLogFlushInterval{100};

class LogWriter {
 public:
  LogWriter(async::Core& core, LogSink& sink, LogDestination destination);

  // Longer lines are cut into several.
  void append(base::Timestamp time, std::string_view text);
  // What is queued goes out kLogFlushInterval after the last write, which is now if that was long
  // ago, rather than that long after it was queued.
  void flush();
  // Writes what is left and ends. Once, before it dies.
  async::Task<void> close();

  const LogDestination& destination() const { return destination_; }

 private:
  async::Task<void> run();
  void push(base::Timestamp time, std::string_view text);
  std::vector<LogLine> take_batch();

  async::Core& core_;
  LogSink& sink_;
  const LogDestination destination_;
  std::deque<LogLine> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool urgent_ = false;
  bool closing_ = false;
  bool running_ = false;
  bool failing_ = false;
  base::SteadyTime next_flush_{};  // flush() has no effect before
  async::Signal changed_;
  async::Gate gate_;
};

}  // namespace functions
