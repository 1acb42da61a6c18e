#pragma once

// ManualCore: a Core that runs in the calling thread, under a ManualClock. When nothing is ready it
// jumps to the next timer, so tests never wait for real time.

#include <deque>
#include <map>
#include <mutex>

#include "async/core.h"

namespace async {

class ManualCore final : public Core {
 public:
  explicit ManualCore(base::ManualClock& clock) : clock_(clock) {}

  void post(Work work) override;
  TimerId schedule(base::SteadyTime when, Work work) override;
  void cancel(TimerId timer) override;
  base::SteadyTime now() const override { return clock_.steady_now(); }

  // Runs what is ready; true if anything ran. Time stands still.
  bool run_ready();
  // Runs until nothing is ready, moving time over every timer due within `duration`.
  void run_for(std::chrono::nanoseconds duration);
  // Moves the clock to the next timer; false if there is none.
  bool advance_to_next_timer();

  // Runs everything until `task` has ended. CHECKs that it can end: work posted from other threads
  // (a journal's writer) is waited for.
  template <class T>
  T run(Task<T> task);

 private:
  bool pump(const bool& done);

  base::ManualClock& clock_;
  std::mutex mutex_;
  std::deque<Work> ready_;
  std::multimap<base::SteadyTime, std::pair<TimerId, Work>> timers_;
  TimerId next_timer_ = 1;
};

namespace detail {
template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& out, bool& done) {
  out.emplace(co_await std::move(task));
  done = true;
}
inline Task<void> keep_result(Task<void> task, bool& done) {
  co_await std::move(task);
  done = true;
}
void start(Core& core, Task<void> task);
}  // namespace detail

template <class T>
T ManualCore::run(Task<T> task) {
  bool done = false;
  if constexpr (std::is_void_v<T>) {
    detail::start(*this, detail::keep_result(std::move(task), done));
    CHECK(pump(done));
  } else {
    std::optional<T> result;
    detail::start(*this, detail::keep_result<T>(std::move(task), result, done));
    CHECK(pump(done));
    return std::move(*result);
  }
}

}  // namespace async
