#include "async/signal.h"

#include "async/completion.h"

namespace async {

struct Signal::Waiter {
  std::atomic<bool> done = false;
  Completion<bool> completion;
  void finish(bool notified) {
    if (!done.exchange(true)) completion.set(notified);
  }
};

void Signal::notify() {
  std::list<std::shared_ptr<Waiter>> woken;
  {
    const std::lock_guard lock(mutex_);
    version_.fetch_add(1, std::memory_order_acq_rel);
    woken.swap(waiters_);
  }
  for (const auto& waiter : woken) waiter->finish(true);
}

Task<bool> Signal::wait_past(std::uint64_t seen, base::SteadyTime deadline, std::stop_token stop) {
  Core* const core = Core::current();
  CHECK(core != nullptr);
  const auto waiter = std::make_shared<Waiter>();
  {
    const std::lock_guard lock(mutex_);
    if (version() != seen) co_return true;
    if (stop.stop_requested()) co_return false;
    waiters_.push_back(waiter);
  }
  TimerId timer = 0;
  if (deadline != base::SteadyTime::max())
    timer = core->schedule(deadline, [waiter] { waiter->finish(false); });
  bool notified = false;
  {
    const std::stop_callback on_stop(stop, [waiter] { waiter->finish(false); });
    notified = co_await waiter->completion;
  }
  if (timer != 0) core->cancel(timer);
  if (!notified) {
    const std::lock_guard lock(mutex_);
    waiters_.remove(waiter);
  }
  co_return notified;
}

}  // namespace async
