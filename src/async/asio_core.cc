#include "async/asio_core.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "async/departures.h"
#include "async/gate.h"

namespace async {

namespace asio = boost::asio;

struct AsioCore::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  std::thread thread;
  std::mutex mutex;  // timers may be made and cancelled from any thread
  TimerId next_timer = 1;
  std::unordered_map<TimerId, std::unique_ptr<asio::steady_timer>> timers;
  Departures departures;

  explicit Impl(Core& core) : departures(core) {}
};

AsioCore::AsioCore() : impl_(std::make_unique<Impl>(*this)) {}
AsioCore::~AsioCore() { stop(); }

void AsioCore::start() {
  impl_->thread = std::thread([this] {
    const Running running(this);
    impl_->context.run();
  });
}

void AsioCore::stop() {
  impl_->guard.reset();
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

// Asio wants copyable-or-movable handlers; Work is movable.
void AsioCore::post(Work work) { asio::post(impl_->context, std::move(work)); }

TimerId AsioCore::schedule(base::SteadyTime when, Work work) {
  const std::lock_guard lock(impl_->mutex);
  const TimerId id = impl_->next_timer++;
  auto timer = std::make_unique<asio::steady_timer>(impl_->context, when);
  timer->async_wait(
      [this, id, work = std::move(work)](const boost::system::error_code& error) mutable {
        {
          const std::lock_guard inner(impl_->mutex);
          impl_->timers.erase(id);
        }
        if (!error) work();
      });
  impl_->timers.emplace(id, std::move(timer));
  return id;
}

void AsioCore::cancel(TimerId timer) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->timers.find(timer);
  if (found != impl_->timers.end()) found->second->cancel();
}

base::SteadyTime AsioCore::now() const { return std::chrono::steady_clock::now(); }
asio::io_context& AsioCore::context() { return impl_->context; }
Departures& AsioCore::departures() { return impl_->departures; }

CorePool::CorePool(std::size_t count) {
  CHECK(count > 0);
  for (std::size_t i = 0; i < count; ++i) {
    cores_.push_back(std::make_unique<AsioCore>());
    cores_.back()->start();
  }
}
CorePool::~CorePool() { stop(); }
void CorePool::stop() {
  for (auto& core : cores_) core->stop();
}

void wait_for(Core& core, Task<void> task) {
  CHECK(Core::current() == nullptr);
  std::promise<void> ended;
  auto run = [](Task<void> inner, std::promise<void>& done) -> Task<void> {
    std::exception_ptr failure;
    try {
      co_await std::move(inner);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) done.set_exception(failure);
    else done.set_value();
  };
  spawn(core, run(std::move(task), ended));
  ended.get_future().get();
}

}  // namespace async
