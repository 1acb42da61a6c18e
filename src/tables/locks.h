#pragma once

// KeyLocks: one writer at a time for each key. Owned by a lane, used only on its core. First come,
// first served; a lock is held over a read of the store, never over a sync.

#include <coroutine>
#include <string>
#include <unordered_map>

#include "async/core.h"

namespace tables {

class KeyLocks {
  struct Waiter {  // lives in the frame of who waits
    std::coroutine_handle<> handle;
    Waiter* next = nullptr;
  };
  struct Queue {
    Waiter* first = nullptr;
    Waiter* last = nullptr;
  };

 public:
  class [[nodiscard]] Lock {
   public:
    Lock(KeyLocks* owner, std::string key) : owner_(owner), key_(std::move(key)) {}
    Lock(Lock&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() { release(); }
    // On the lane's core. Once; later calls do nothing.
    void release() {
      if (owner_ != nullptr) std::exchange(owner_, nullptr)->unlock(key_);
    }

   private:
    KeyLocks* owner_;
    std::string key_;
  };

  class Acquire {
   public:
    Acquire(KeyLocks& locks, std::string key) : locks_(locks), key_(std::move(key)) {}
    bool await_ready() {
      const auto [place, is_free] = locks_.queues_.try_emplace(key_);
      queue_ = &place->second;
      return is_free;
    }
    void await_suspend(std::coroutine_handle<> handle) {
      waiter_.handle = handle;
      *(queue_->last == nullptr ? &queue_->first : &queue_->last->next) = &waiter_;
      queue_->last = &waiter_;
    }
    Lock await_resume() { return Lock(&locks_, std::move(key_)); }

   private:
    KeyLocks& locks_;
    std::string key_;
    Queue* queue_ = nullptr;  // stays where it is while the key is locked
    Waiter waiter_;
  };
  // const auto lock = co_await locks.acquire(key);
  Acquire acquire(std::string key) { return Acquire(*this, std::move(key)); }

  bool is_held(const std::string& key) const { return queues_.contains(key); }
  // The keys that are locked now.
  std::vector<std::string> held() const {
    std::vector<std::string> keys;
    keys.reserve(queues_.size());
    for (const auto& [key, queue] : queues_) keys.push_back(key);
    return keys;
  }

 private:
  void unlock(const std::string& key) {
    const auto found = queues_.find(key);
    Queue& queue = found->second;
    if (queue.first == nullptr) {
      queues_.erase(found);
      return;
    }
    // The next one owns the lock from here on; it runs when this one's caller has returned.
    const Waiter* const next = queue.first;
    queue.first = next->next;
    if (queue.first == nullptr) queue.last = nullptr;
    async::Core::current()->post([handle = next->handle] { handle.resume(); });
  }

  // An entry means locked; its queue holds who waits. References stay good as entries come and go.
  std::unordered_map<std::string, Queue> queues_;
};

}  // namespace tables
