#pragma once

// Completion<T>: one value handed once from any thread to one waiting coroutine, which resumes on
// the core it waited on. It may live in the waiter's frame: set() touches nothing after the
// hand-over.

#include <atomic>
#include <optional>

#include "async/core.h"

namespace async {

template <class T>
class Completion {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  // Once, from any thread.
  void set(T value) {
    const Resumption waiter = hand_over(std::move(value));
    if (waiter.core != nullptr) waiter.core->post([handle = waiter.handle] { handle.resume(); });
  }

  // As set(), but who waits is resumed by the caller, with resume_all() of several: an empty
  // Resumption if nobody waits yet. Once, from any thread.
  Resumption hand_over(T value) {
    value_.emplace(std::move(value));
    const State before = state_.exchange(State::kSet, std::memory_order_acq_rel);
    CHECK(before != State::kSet);
    if (before != State::kWaiting) return {};
    return {core_, handle_};
  }

  // Awaited once, by a coroutine that runs on a core.
  bool await_ready() const noexcept {
    return state_.load(std::memory_order_acquire) == State::kSet;
  }
  bool await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    core_ = Core::current();
    CHECK(core_ != nullptr);
    State expected = State::kEmpty;
    return state_.compare_exchange_strong(expected, State::kWaiting, std::memory_order_acq_rel);
  }
  T await_resume() { return std::move(*value_); }

 private:
  enum class State { kEmpty, kWaiting, kSet };
  std::atomic<State> state_ = State::kEmpty;
  std::coroutine_handle<> handle_;
  Core* core_ = nullptr;
  std::optional<T> value_;
};

}  // namespace async
