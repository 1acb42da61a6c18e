#pragma once

// The engine's private view of one stack. Lives on the engine's core.

#include <stop_token>

#include "async/signal.h"
#include "stacks/engine.h"

namespace stacks {

struct Engine::Stack {
  StackRecord record;
  ResourceRecords resources;
  bool is_driven = false;   // a Runner is at work
  std::stop_source cancel;  // ends long waits of the steps under way
  async::Signal changed;    // an operation ended
};

// Remembers the core a coroutine came from, to answer there.
class Home {
 public:
  async::Task<void> back() const {
    if (core_ != nullptr) co_await async::on(*core_);
  }

 private:
  async::Core* core_ = async::Core::current();
};

// Whether an update that changes no resource changes anything else worth an operation.
bool differs_otherwise(const StackRecord& record, const Blueprint& after, const Template& now,
                       const std::string& before_text);

}  // namespace stacks
