#pragma once

// Gate: lets work in until it is closed, then waits for what is inside. Whoever starts background
// work owns a Gate, spawns through it, and awaits close() before it dies. Thread-safe.

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>

#include "async/completion.h"
#include "async/core.h"

namespace async {

class Gate {
 public:
  // Leaves the gate when it dies.
  class Pass {
   public:
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }

   private:
    friend class Gate;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Gate* gate_;
  };

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate();  // CHECKs that nothing is inside

  // nullopt once the gate is closed.
  std::optional<Pass> enter();
  // Refuses newcomers and waits until all have left. Once.
  Task<void> close();
  bool is_closed() const;
  std::size_t inside() const;

 private:
  void leave();

  mutable std::mutex mutex_;
  std::size_t inside_ = 0;
  bool closed_ = false;
  Completion<bool>* waiting_ = nullptr;
};

// Starts `task` on `core` and lets it go. With a gate, close() waits for it; a closed gate drops
// it. An exception that leaves the task is a bug: it is logged and the process aborts.
void spawn(Core& core, Task<void> task);
void spawn(Core& core, Gate& gate, Task<void> task);

}  // namespace async
