#include "async/core.h"

#include <utility>

namespace async {
namespace {
thread_local Core* current_core = nullptr;
}

Core* Core::current() { return current_core; }
Core::Running::Running(Core* core) : before_(std::exchange(current_core, core)) {}
Core::Running::~Running() { current_core = before_; }

void resume_all(std::vector<Resumption> waiting) {
  while (!waiting.empty()) {
    Core* const core = waiting.front().core;
    std::vector<std::coroutine_handle<>> here;
    std::erase_if(waiting, [&](const Resumption& one) {
      if (one.core == core) here.push_back(one.handle);
      return one.core == core;
    });
    if (core == nullptr) continue;  // nobody waited yet
    core->post([here = std::move(here)] {
      for (const auto handle : here) handle.resume();
    });
  }
}

}  // namespace async
