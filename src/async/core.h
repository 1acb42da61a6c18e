#pragma once

// Core: one thread that runs short pieces of work one after the other. Whatever is owned by a core
// is touched only there, so it needs no lock. Coroutines hop between cores with `co_await
// on(core)`.
//
// AsioCore (asio_core.h) is the real one; ManualCore (manual_core.h) runs everything in the calling
// thread under a clock that the test owns.

#include <coroutine>
#include <cstdint>
#include <functional>
#include <vector>

#include "async/task.h"
#include "base/clock.h"

namespace async {

using Work = std::move_only_function<void()>;
using TimerId = std::uint64_t;  // never 0

// post, schedule and cancel are thread-safe.
class Core {
 public:
  virtual ~Core() = default;

  // Runs `work` soon, on this core, after what was posted to it before.
  virtual void post(Work work) = 0;
  // Runs `work` on this core once `when` has come.
  virtual TimerId schedule(base::SteadyTime when, Work work) = 0;
  // Forgets a timer. Its work may still run if it was due already.
  virtual void cancel(TimerId timer) = 0;
  virtual base::SteadyTime now() const = 0;

  // The core whose work is running in this thread; nullptr outside of all.
  static Core* current();

 protected:
  // Marks this thread as running `core`'s work, for implementations.
  class Running {
   public:
    explicit Running(Core* core);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Core* before_;
  };
};

// A coroutine that waits to go on, and where.
struct Resumption {
  Core* core = nullptr;
  std::coroutine_handle<> handle;
};
// Resumes all of them, each on its core, with one post for each core: what waits for one event
// comes in crowds.
void resume_all(std::vector<Resumption> waiting);

// co_await on(core): the rest of the coroutine runs on `core`. Does not suspend if it already does.
struct OnCore {
  Core& core;
  bool await_ready() const noexcept { return Core::current() == &core; }
  void await_suspend(std::coroutine_handle<> handle) const {
    core.post([handle] { handle.resume(); });
  }
  void await_resume() const noexcept {}
};
inline OnCore on(Core& core) { return {core}; }

// co_await yield(): lets other work of this core run first. For loops over unbounded input.
struct Yield {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const {
    Core::current()->post([handle] { handle.resume(); });
  }
  void await_resume() const noexcept {}
};
inline Yield yield() { return {}; }

// Runs `task` on `core` and comes back to the core that asked.
template <class T>
Task<T> run_on(Core& core, Task<T> task) {
  Core* const home = Core::current();
  co_await on(core);
  if constexpr (std::is_void_v<T>) {
    co_await std::move(task);
    if (home != nullptr) co_await on(*home);
  } else {
    T result = co_await std::move(task);
    if (home != nullptr) co_await on(*home);
    co_return result;
  }
}

}  // namespace async
