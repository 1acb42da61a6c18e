#pragma once

// ReadTurns: how many large reads may be on their way at a time, from asking the disk until the
// caller has used what was read. Without it a burst of readers would have all their pages in memory
// before the first is sent, and everything else on their cores would wait behind them.
//
// Owned by the EmbeddedStore; thread-safe. First come, first served; the waiter resumes on its own
// core. Everyone who waits must have had their turn before the last Turn and this die.

#include <deque>
#include <memory>
#include <mutex>

#include "async/completion.h"

namespace store {

class ReadTurns {
 private:
  struct State {
    std::mutex mutex;
    std::size_t free;
    std::deque<async::Completion<bool>*> waiting;

    void give_back();
  };

 public:
  class [[nodiscard]] Turn {
   public:
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (state_) state_->give_back();
    }

   private:
    friend class ReadTurns;
    explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  explicit ReadTurns(std::size_t limit) : state_(std::make_shared<State>()) {
    state_->free = limit;
  }

  async::Task<Turn> take();
  // Ends the turn after what the current core is doing now: when a coroutine has returned to its
  // caller on this core, and that one has come to its next wait.
  static void end_soon(Turn turn);

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace store
