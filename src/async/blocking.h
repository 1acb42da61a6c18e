#pragma once

// BlockingPool: threads for calls that block (disk reads, waiting for a process), kept off the
// cores.

#include <memory>
#include <type_traits>

#include "async/completion.h"
#include "async/core.h"

namespace async {

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads);
  ~BlockingPool();  // runs what is queued, then joins

  void submit(Work work);

  // Runs `function` on a pool thread; the awaiting coroutine goes on on its own core.
  template <class F, class R = std::invoke_result_t<F>>
  Task<R> run(F function) {
    Completion<R> done;
    submit([&] { done.set(function()); });
    R result = co_await done;
    co_return result;
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace async
