#pragma once

// KeyLocks: one writer at a time for each key. Owned by a lane, used only on its core. First come,
// first served; a lock is held over a read of the store, never over a sync.

#include <coroutine>
#include <deque>
#include <string>
#include <unordered_map>

#include "async/core.h"

namespace tables {

class KeyLocks {
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

  struct Acquire {
    KeyLocks& locks;
    std::string key;
    bool await_ready() { return locks.waiting_.try_emplace(key).second; }
    void await_suspend(std::coroutine_handle<> handle) { locks.waiting_[key].push_back(handle); }
    Lock await_resume() { return Lock(&locks, std::move(key)); }
  };
  // const auto lock = co_await locks.acquire(key);
  Acquire acquire(std::string key) { return {*this, std::move(key)}; }

  // The keys that are locked now.
  std::vector<std::string> held() const {
    std::vector<std::string> keys;
    keys.reserve(waiting_.size());
    for (const auto& [key, queue] : waiting_) keys.push_back(key);
    return keys;
  }

 private:
  void unlock(const std::string& key) {
    const auto found = waiting_.find(key);
    if (found->second.empty()) {
      waiting_.erase(found);
      return;
    }
    // The next one owns the lock from here on; it runs when this one's caller has returned.
    const std::coroutine_handle<> next = found->second.front();
    found->second.pop_front();
    async::Core::current()->post([next] { next.resume(); });
  }

  // An entry means locked; its queue holds who waits.
  std::unordered_map<std::string, std::deque<std::coroutine_handle<>>> waiting_;
};

}  // namespace tables
