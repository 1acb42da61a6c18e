#include "async/manual_core.h"

#include <thread>

#include "async/gate.h"

namespace async {

namespace detail {
void start(Core& core, Task<void> task) { spawn(core, std::move(task)); }
}  // namespace detail

void ManualCore::post(Work work) {
  const std::lock_guard lock(mutex_);
  ready_.push_back(std::move(work));
}

TimerId ManualCore::schedule(base::SteadyTime when, Work work) {
  const std::lock_guard lock(mutex_);
  const TimerId id = next_timer_++;
  timers_.emplace(when, std::pair(id, std::move(work)));
  return id;
}

void ManualCore::cancel(TimerId timer) {
  const std::lock_guard lock(mutex_);
  std::erase_if(timers_, [timer](const auto& entry) { return entry.second.first == timer; });
}

bool ManualCore::run_ready() {
  const Running running(this);
  bool ran = false;
  for (;;) {
    Work work;
    {
      const std::lock_guard lock(mutex_);
      if (ready_.empty()) {
        const auto due = timers_.begin();
        if (due == timers_.end() || due->first > now()) return ran;
        work = std::move(due->second.second);
        timers_.erase(due);
      } else {
        work = std::move(ready_.front());
        ready_.pop_front();
      }
    }
    work();
    ran = true;
  }
}

bool ManualCore::advance_to_next_timer() {
  base::SteadyTime when;
  {
    const std::lock_guard lock(mutex_);
    if (timers_.empty()) return false;
    when = timers_.begin()->first;
  }
  if (when > now()) clock_.advance(when - now());
  return true;
}

void ManualCore::run_for(std::chrono::nanoseconds duration) {
  const base::SteadyTime end = now() + duration;
  run_ready();
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (timers_.empty() || timers_.begin()->first > end) break;
    }
    advance_to_next_timer();
    run_ready();
  }
  if (now() < end) clock_.advance(end - now());
  run_ready();
}

// Other threads may still owe us a post, so an idle core yields to them before it moves its clock,
// and gives up only after a minute of real silence.
bool ManualCore::pump(const bool& done) {
  const auto silent_since = std::chrono::steady_clock::now;
  auto last = silent_since();
  while (!done) {
    if (run_ready()) {
      last = silent_since();
      continue;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    if (run_ready()) continue;
    if (silent_since() - last < std::chrono::milliseconds(2)) continue;
    if (advance_to_next_timer()) {
      last = silent_since();
      continue;
    }
    if (silent_since() - last > std::chrono::minutes(1)) return false;
  }
  return true;
}

}  // namespace async
