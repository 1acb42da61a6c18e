#include "store/read_turns.h"

namespace store {

async::Task<ReadTurns::Turn> ReadTurns::take() {
  async::Completion<bool> mine;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->free > 0) {
      --state_->free;
      co_return Turn(state_);
    }
    state_->waiting.push_back(&mine);
  }
  co_await mine;
  co_return Turn(state_);
}

void ReadTurns::end_soon(Turn turn) {
  async::Core* const core = async::Core::current();
  CHECK(core != nullptr);
  core->post([ending = std::move(turn)] {});
}

// The turn passes straight to the next in line.
void ReadTurns::State::give_back() {
  const std::lock_guard lock(mutex);
  if (waiting.empty()) {
    ++free;
    return;
  }
  async::Completion<bool>* const next = waiting.front();
  waiting.pop_front();
  next->set(true);
}

}  // namespace store
