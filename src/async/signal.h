#pragma once

// Signal: "something changed, look again". Many may wait; nothing is lost between looking and
// waiting:
//
//   auto seen = signal.version();
//   ... look ...
//   co_await signal.wait_past(seen, deadline, stop);
//
// Thread-safe. Everyone who waits must have returned before the Signal dies.

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <stop_token>

#include "async/core.h"

namespace async {

class Signal {
 public:
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void notify();
  // True: notified since `seen`. False: `deadline` has come or `stop` was requested first.
  Task<bool> wait_past(std::uint64_t seen, base::SteadyTime deadline = base::SteadyTime::max(),
                       std::stop_token stop = {});

 private:
  struct Waiter;

  std::atomic<std::uint64_t> version_ = 0;
  std::mutex mutex_;
  std::list<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace async
