#pragma once

// Mutex: lets one coroutine at a time through a stretch that awaits. First come, first served.
// Thread-safe; the waiter resumes on its own core.
//
//   const auto lock = co_await mutex_.lock();

#include <deque>
#include <mutex>

#include "async/completion.h"
#include "async/core.h"

namespace async {

class Mutex {
 public:
  class [[nodiscard]] Lock {
   public:
    Lock(Lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
      if (mutex_ != nullptr) mutex_->unlock();
    }

   private:
    friend class Mutex;
    explicit Lock(Mutex* mutex) : mutex_(mutex) {}
    Mutex* mutex_;
  };

  Task<Lock> lock();

 private:
  void unlock();

  std::mutex mutex_;
  bool locked_ = false;
  std::deque<Completion<bool>*> waiting_;
};

}  // namespace async
