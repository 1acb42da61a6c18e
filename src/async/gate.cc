#include "async/gate.h"

namespace async {
namespace {

// A coroutine that owns itself: the root of every spawned task.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

Detached run(Core& core, std::optional<Gate::Pass> pass, Task<void> task) {
  co_await on(core);
  {
    // The task's frame goes before the pass does: whoever closes the gate may free what it uses.
    Task<void> inner = std::move(task);
    co_await std::move(inner);
  }
  pass.reset();
}

}  // namespace

Gate::~Gate() { CHECK(inside_ == 0); }

std::optional<Gate::Pass> Gate::enter() {
  const std::lock_guard lock(mutex_);
  if (closed_) return std::nullopt;
  ++inside_;
  return Pass(this);
}

void Gate::leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  // Under the lock: the closer wakes on its own core and cannot free us before we unlock, because
  // close() takes the lock once more.
  if (inside_ == 0 && waiting_ != nullptr) std::exchange(waiting_, nullptr)->set(true);
}

Task<void> Gate::close() {
  Completion<bool> empty;
  {
    const std::lock_guard lock(mutex_);
    CHECK(!closed_);
    closed_ = true;
    if (inside_ == 0) co_return;
    waiting_ = &empty;
  }
  co_await empty;
  const std::lock_guard lock(mutex_);
}

bool Gate::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

std::size_t Gate::inside() const {
  const std::lock_guard lock(mutex_);
  return inside_;
}

void spawn(Core& core, Task<void> task) { run(core, std::nullopt, std::move(task)); }

void spawn(Core& core, Gate& gate, Task<void> task) {
  auto pass = gate.enter();
  if (!pass) return;
  run(core, std::move(pass), std::move(task));
}

}  // namespace async
