#include "wire/http_server.h"

#include <map>

#include "async/timer.h"
#include "async/when_all.h"
#include "base/log.h"
#include "wire/http_shared.h"

namespace wire {
namespace {

using async::Task;
using DoorPointer = std::shared_ptr<Door>;

constexpr std::chrono::milliseconds kAcceptPause{50};  // when descriptors run out
constexpr int kAcceptBurst = 64;                       // then the core's other work has its turn

Task<void> serve_socket(DoorPointer door, async::AsioCore* core, async::AcceptedSocket socket) {
  auto stream = async::make_stream(*core, std::move(socket));
  if (!stream) {
    base::log_warn("http: {}", stream.error().message);
    co_return;
  }
  co_await serve_connection(std::move(door), *std::move(stream));
}

Task<void> accept_all(DoorPointer door, std::vector<async::AsioCore*> cores) {
  std::size_t turn = 0;
  int burst = 0;
  for (;;) {
    auto accepted = co_await door->listener->accept();
    if (!accepted && accepted.error().code == base::ErrorCode::kLimit) {
      base::log_warn("http: {}", accepted.error().message);
      const bool slept = co_await async::sleep_for(kAcceptPause, door->stop.get_token());
      if (!slept) co_return;
      continue;
    }
    if (!accepted) {
      if (accepted.error().code != base::ErrorCode::kCancelled)
        base::log_error("http: a listener broke: {}", accepted.error().message);
      co_return;
    }
    HttpShared& shared = door->shared;
    if (shared.connections_open.load(std::memory_order_relaxed) >=
            shared.limits().connections_max ||
        door->connections_open.load(std::memory_order_relaxed) >= door->connections_max) {
      shared.connections_refused.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    async::AsioCore* const core = cores[turn++ % cores.size()];
    async::spawn(*core, door->gate, serve_socket(door, core, *std::move(accepted)));
    if (++burst % kAcceptBurst == 0) co_await async::yield();
  }
}

// Every session of a door, on its own core.
Task<void> for_sessions(DoorPointer door, void (Session::*action)()) {
  async::Core* const home = async::Core::current();
  for (Shelf* const shelf : door->shelves()) {
    co_await async::on(shelf->core);
    shelf->finishing = true;
    // A session may end inside the call.
    const std::vector<Session*> sessions(shelf->sessions.begin(), shelf->sessions.end());
    for (Session* const session : sessions)
      if (shelf->sessions.contains(session)) (session->*action)();
  }
  co_await async::on(*home);
}

Task<void> cut_at(DoorPointer door, base::SteadyTime deadline, std::stop_token all_gone) {
  const bool late = co_await async::sleep_until(deadline, std::move(all_gone));
  if (late) co_await for_sessions(std::move(door), &Session::cut);
}

Task<void> close_door(DoorPointer door, base::SteadyTime deadline) {
  async::Core* const home = async::Core::current();
  door->stop.request_stop();
  if (door->listener != nullptr) {
    co_await async::on(door->listener->core());
    door->listener->close();
    co_await async::on(*home);
  }
  // Every core gets a shelf, so that a connection that is on its way there finds it finishing.
  co_await for_sessions(door, &Session::finish);
  async::Gate cutter;
  std::stop_source all_gone;
  async::spawn(*home, cutter, cut_at(door, deadline, all_gone.get_token()));
  co_await door->gate.close();
  all_gone.request_stop();
  co_await cutter.close();
  if (door->listener != nullptr) {
    co_await async::on(door->listener->core());
    door->listener.reset();
    co_await async::on(*home);
  }
}

}  // namespace

struct HttpServer::Impl {
  HttpShared shared;
  std::vector<async::AsioCore*> cores;
  HttpHandler handler;

  std::mutex mutex;
  ListenerId next_id = 1;
  std::map<ListenerId, DoorPointer> doors;
  DoorPointer elsewhere;  // connections that serve() was given
  bool stopped = false;

  DoorPointer make_door(HttpHandler its_handler, Uploads its_uploads) {
    const bool own = its_handler != nullptr;
    auto door =
        std::make_shared<Door>(shared, own ? std::move(its_handler) : handler,
                               own ? std::move(its_uploads) : Uploads(shared.options.uploads));
    for (async::AsioCore* const core : cores) door->add_shelf(*core);
    return door;
  }
};

HttpServer::HttpServer(HttpOptions options, std::vector<async::AsioCore*> cores,
                       HttpHandler handler)
    : impl_(new Impl{.shared = HttpShared(std::move(options)),
                     .cores = std::move(cores),
                     .handler = std::move(handler)}) {
  CHECK(impl_->handler != nullptr);
  impl_->elsewhere = impl_->make_door({}, {});
}

namespace {
std::vector<async::AsioCore*> all_of(async::CorePool& pool) {
  std::vector<async::AsioCore*> cores;
  for (std::size_t i = 0; i < pool.size(); ++i) cores.push_back(&pool.core(i));
  return cores;
}
}  // namespace

HttpServer::HttpServer(HttpOptions options, async::CorePool& cores, HttpHandler handler)
    : HttpServer(std::move(options), all_of(cores), std::move(handler)) {}

HttpServer::~HttpServer() { CHECK(impl_->doors.empty()); }

HttpServer::ListenerId HttpServer::start(std::unique_ptr<async::Listener> listener,
                                         HttpHandler handler, Uploads uploads,
                                         std::size_t connections_max) {
  CHECK(!impl_->cores.empty());
  async::AsioCore& core = listener->core();
  auto door = impl_->make_door(std::move(handler), std::move(uploads));
  door->listener = std::move(listener);
  door->connections_max = connections_max;
  const std::lock_guard lock(impl_->mutex);
  const ListenerId id = impl_->next_id++;
  if (impl_->stopped) return id;
  impl_->doors.emplace(id, door);
  core.post([&core, door, cores = impl_->cores] {
    async::spawn(core, door->gate, accept_all(door, cores));
  });
  return id;
}

Task<void> HttpServer::stop_listener(ListenerId id, base::SteadyTime deadline) {
  DoorPointer door;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->doors.find(id);
    if (found == impl_->doors.end()) co_return;
    door = std::move(found->second);
    impl_->doors.erase(found);
  }
  co_await close_door(std::move(door), deadline);
}

Task<void> HttpServer::stop(base::SteadyTime deadline) {
  std::vector<Task<bool>> closing;
  const auto close_one = [](DoorPointer door, base::SteadyTime when) -> Task<bool> {
    co_await close_door(std::move(door), when);
    co_return true;
  };
  {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->stopped, true)) co_return;
    for (auto& [id, door] : impl_->doors) closing.push_back(close_one(std::move(door), deadline));
    impl_->doors.clear();
    closing.push_back(close_one(impl_->elsewhere, deadline));
  }
  co_await async::when_all(std::move(closing));
}

Task<void> HttpServer::serve(std::unique_ptr<async::Stream> stream) {
  const DoorPointer door = impl_->elsewhere;
  const auto pass = door->gate.enter();
  if (!pass) {
    stream->close();
    co_return;
  }
  co_await serve_connection(door, std::move(stream));
}

HttpFigures HttpServer::figures() const {
  const HttpShared& shared = impl_->shared;
  return {.connections_open = shared.connections_open.load(),
          .connections_total = shared.connections_total.load(),
          .connections_refused = shared.connections_refused.load(),
          .requests_total = shared.requests_total.load(),
          .requests_refused = shared.requests_refused.load(),
          .answers_refused = shared.answers_refused.load(),
          .body_bytes_held = shared.budget.held(),
          .answer_bytes_held = shared.answer_budget.held()};
}

}  // namespace wire
