#include "async/timer.h"

#include <atomic>
#include <memory>

#include "async/completion.h"

namespace async {
namespace {

// The timer and the stop callback race; the first one sets the completion. Shared, because a
// cancelled timer's work may still be queued after the sleeper has gone.
struct Sleep {
  std::atomic<bool> done = false;
  Completion<bool> completion;
  void finish(bool slept) {
    if (!done.exchange(true)) completion.set(slept);
  }
};

}  // namespace

Task<bool> sleep_until(base::SteadyTime when, std::stop_token stop) {
  Core* const core = Core::current();
  CHECK(core != nullptr);
  if (stop.stop_requested()) co_return false;
  const auto sleep = std::make_shared<Sleep>();
  const TimerId timer = core->schedule(when, [sleep] { sleep->finish(true); });
  bool slept = false;
  {
    const std::stop_callback on_stop(stop, [sleep] { sleep->finish(false); });
    slept = co_await sleep->completion;
  }
  if (!slept) core->cancel(timer);
  co_return slept;
}

Task<bool> sleep_for(std::chrono::nanoseconds duration, std::stop_token stop) {
  const base::SteadyTime when = Core::current()->now() + duration;
  const bool slept = co_await sleep_until(when, std::move(stop));
  co_return slept;
}

}  // namespace async
