#include "functions/response_pipe.h"

#include <utility>

namespace functions {

void ResponsePipe::begin(Head head) {
  {
    const std::lock_guard lock(mutex_);
    if (!head_) head_ = std::move(head);
  }
  changed_.notify();
}

async::Task<void> ResponsePipe::write(std::string bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_ || outcome_ || bytes.empty()) co_return;
    held_ += bytes.size();
    pieces_.push_back(std::move(bytes));
  }
  changed_.notify();
  for (;;) {
    const std::uint64_t seen = changed_.version();
    {
      const std::lock_guard lock(mutex_);
      if (abandoned_ || outcome_ || held_ <= kPipeBytesMax) co_return;
    }
    co_await changed_.wait_past(seen);
  }
}

void ResponsePipe::finish(api::Outcome<InvocationResult> outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (outcome_) return;
    if (!head_ && outcome && outcome->function_error.empty()) {
      head_ = Head{.version = outcome->version, .content_type = outcome->content_type};
      if (!outcome->payload.empty()) pieces_.push_back(std::exchange(outcome->payload, {}));
    }
    outcome_ = std::move(outcome);
  }
  changed_.notify();
}

async::Task<std::optional<ResponsePipe::Head>> ResponsePipe::head() {
  for (;;) {
    const std::uint64_t seen = changed_.version();
    {
      const std::lock_guard lock(mutex_);
      if (head_) co_return head_;
      if (outcome_) co_return std::nullopt;
    }
    co_await changed_.wait_past(seen);
  }
}

async::Task<std::optional<std::string>> ResponsePipe::read(std::stop_token stop) {
  for (;;) {
    const std::uint64_t seen = changed_.version();
    std::optional<std::string> piece;
    {
      const std::lock_guard lock(mutex_);
      if (!pieces_.empty()) {
        piece = std::move(pieces_.front());
        pieces_.pop_front();
        held_ -= std::min(held_, piece->size());
      } else if (outcome_ || stop.stop_requested()) {
        co_return std::nullopt;
      }
    }
    if (piece) {
      changed_.notify();
      co_return piece;
    }
    co_await changed_.wait_past(seen, base::SteadyTime::max(), stop);
  }
}

void ResponsePipe::abandon() {
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    pieces_.clear();
    held_ = 0;
  }
  changed_.notify();
}

}  // namespace functions
