#include "async/mutex.h"

namespace async {

Task<Mutex::Lock> Mutex::lock() {
  Completion<bool> turn;
  {
    const std::lock_guard guard(mutex_);
    if (!locked_) {
      locked_ = true;
      co_return Lock(this);
    }
    waiting_.push_back(&turn);
  }
  co_await turn;
  co_return Lock(this);
}

void Mutex::unlock() {
  const std::lock_guard guard(mutex_);
  if (waiting_.empty()) {
    locked_ = false;
    return;
  }
  // The lock passes straight to the next in line.
  Completion<bool>* const next = waiting_.front();
  waiting_.pop_front();
  next->set(true);
}

}  // namespace async
