#include "functions/log_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace functions {

LogWriter::LogWriter(async::Core& core, LogSink& sink, LogDestination destination)
    : core_(core), sink_(sink), destination_(std::move(destination)) {}

void LogWriter::append(base::Timestamp time, std::string_view text) {
  do {
    std::size_t size = std::min(text.size(), kLogLineBytesMax);
    // Not in the middle of a character.
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) >> 6U) == 2)
      --size;
    push(time, text.substr(0, size));
    text.remove_prefix(size);
  } while (!text.empty());
  if (!std::exchange(running_, true)) async::spawn(core_, gate_, run());
}

void LogWriter::push(base::Timestamp time, std::string_view text) {
  if (queued_bytes_ + text.size() > kLogQueueBytesMax) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) {
    const std::string told = fmt::format("[{} lines were dropped: too many at once]", dropped_);
    dropped_ = 0;
    push(time, told);
  }
  const bool had_room = queued_bytes_ < kLogBatchBytes;
  queued_bytes_ += text.size() + kLogLineOverhead;
  if (had_room && queued_bytes_ >= kLogBatchBytes) changed_.notify();
  queue_.push_back({time, std::string(text)});
}

void LogWriter::flush() {
  if (queue_.empty()) return;
  urgent_ = true;
  changed_.notify();
}

std::vector<LogLine> LogWriter::take_batch() {
  std::vector<LogLine> batch;
  std::size_t bytes = 0;
  while (!queue_.empty() && batch.size() < kLogBatchLines) {
    const std::size_t size = queue_.front().text.size() + kLogLineOverhead;
    if (bytes + size > kLogBatchBytes) break;
    bytes += size;
    queued_bytes_ -= size;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

// Runs while there is something to write; append() starts it again.
async::Task<void> LogWriter::run() {
  while (!queue_.empty()) {
    const base::SteadyTime due = core_.now() + kLogFlushInterval;
    for (;;) {
      const std::uint64_t seen = changed_.version();
      const base::SteadyTime until = urgent_ ? std::min(due, next_flush_) : due;
      if (closing_ || queued_bytes_ >= kLogBatchBytes || core_.now() >= until) break;
      co_await changed_.wait_past(seen, until);
    }
    urgent_ = false;
    next_flush_ = core_.now() + kLogFlushInterval;
    const base::Status written = co_await sink_.write(destination_, take_batch());
    if (!written && !failing_)
      base::log_warn("functions: log {}: {}", destination_.group, written.error().to_string());
    failing_ = !written;
  }
  running_ = false;
}

async::Task<void> LogWriter::close() {
  closing_ = true;
  changed_.notify();
  co_await gate_.close();
}

}  // namespace functions
