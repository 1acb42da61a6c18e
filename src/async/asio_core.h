#pragma once

// AsioCore: the real Core, one io_context and its thread.

#include <memory>
#include <vector>

#include "async/core.h"

namespace boost::asio {
class io_context;
}

namespace async {

class Departures;

class AsioCore final : public Core {
 public:
  AsioCore();
  ~AsioCore() override;  // stops

  void start();  // once
  void stop();   // drops what is still queued and joins the thread; idempotent

  void post(Work work) override;
  TimerId schedule(base::SteadyTime when, Work work) override;
  void cancel(TimerId timer) override;
  base::SteadyTime now() const override;

  // For this module's sockets only.
  boost::asio::io_context& context();
  Departures& departures();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A fixed set of started cores. core(0) runs the control plane.
class CorePool {
 public:
  explicit CorePool(std::size_t count);  // count > 0
  ~CorePool();

  std::size_t size() const { return cores_.size(); }
  AsioCore& core(std::size_t index) { return *cores_[index]; }
  // The owner of what hashes to `hash`.
  AsioCore& owner(std::size_t hash) { return *cores_[hash % cores_.size()]; }
  void stop();

 private:
  std::vector<std::unique_ptr<AsioCore>> cores_;
};

// Runs `task` on `core` and waits for it in this thread, which must not be a core's.
void wait_for(Core& core, Task<void> task);
template <class T>
T wait_for(Core& core, Task<T> task) {
  std::optional<T> result;
  wait_for(core, [](Task<T> inner, std::optional<T>& out) -> Task<void> {
    out.emplace(co_await std::move(inner));
  }(std::move(task), result));
  return std::move(*result);
}

}  // namespace async
