#include "async/core.h"

#include <utility>

namespace async {
namespace {
thread_local Core* current_core = nullptr;
}

Core* Core::current() { return current_core; }
Core::Running::Running(Core* core) : before_(std::exchange(current_core, core)) {}
Core::Running::~Running() { current_core = before_; }

}  // namespace async
