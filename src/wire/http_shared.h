#pragma once

// What the connections of one HttpServer share, and what a connection is to its server. Internal to
// the HTTP server.

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "async/core.h"
#include "async/gate.h"
#include "async/stream.h"
#include "base/clock.h"
#include "wire/http_server.h"

namespace wire {

// Bytes of bodies that may be in memory at a time, over all connections. Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  bool take(std::size_t bytes) {
    std::size_t held = held_.load(std::memory_order_relaxed);
    do {
      if (bytes > bytes_max_ - held) return false;
    } while (!held_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
    return true;
  }
  void give_back(std::size_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> held_ = 0;
};

// One body's part of the budget; goes back when it dies.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(budget) {}
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { budget_.give_back(held_); }
  // False: there is no room; nothing changed.
  bool grow_to(std::size_t bytes) {
    if (bytes <= held_) return true;
    if (!budget_.take(bytes - held_)) return false;
    held_ = bytes;
    return true;
  }

 private:
  BodyBudget& budget_;
  std::size_t held_ = 0;
};

struct HttpShared {
  explicit HttpShared(HttpOptions given) : options(std::move(given)) {}

  HttpOptions options;
  base::SystemClock system_clock;
  BodyBudget budget{options.limits.body_budget_bytes};
  BodyBudget answer_budget{options.limits.answer_budget_bytes};
  std::atomic<std::uint64_t> connections_open = 0;
  std::atomic<std::uint64_t> connections_total = 0;
  std::atomic<std::uint64_t> connections_refused = 0;
  std::atomic<std::uint64_t> requests_total = 0;
  std::atomic<std::uint64_t> requests_refused = 0;
  std::atomic<std::uint64_t> answers_refused = 0;

  const HttpLimits& limits() const { return options.limits; }
  const base::Clock& clock() const {
    return options.clock != nullptr ? *options.clock : system_clock;
  }
};

// What a server may ask of a connection, on the connection's core.
class Session {
 public:
  virtual ~Session() = default;
  virtual void finish() = 0;  // end after what runs; at once if nothing does
  virtual void cut() = 0;     // end now
};

// The connections of one listener on one core, touched only there.
struct Shelf {
  explicit Shelf(async::Core& on) : core(on) {}
  async::Core& core;
  std::unordered_set<Session*> sessions;
  bool finishing = false;
  std::int64_t date_second = -1;
  std::string date;
};

// A listener with its connections and their handler. The server and each connection hold it.
struct Door {
  Door(HttpShared& shared_by_all, HttpHandler its_handler, Uploads its_uploads)
      : shared(shared_by_all), handler(std::move(its_handler)), uploads(std::move(its_uploads)) {}

  HttpShared& shared;
  const HttpHandler handler;
  const Uploads uploads;
  std::unique_ptr<async::Listener> listener;  // nullptr for connections made elsewhere
  std::size_t connections_max = HttpServer::kNoLimit;
  std::atomic<std::size_t> connections_open = 0;
  async::Gate gate;       // every coroutine that uses this door
  std::stop_source stop;  // ends the accept loop's pauses

  // The current core's shelf, made if it is new; thread-safe.
  Shelf& shelf();
  void add_shelf(async::Core& core);
  std::vector<Shelf*> shelves();

 private:
  std::mutex mutex_;
  std::list<Shelf> shelves_;
};

// What a handler answered. The share is held until the body was sent or given up; nullptr: the body
// is small and does not count.
struct Answer {
  HttpResponse response;
  std::shared_ptr<const BodyShare> share;
};

// Where a connection's requests go and what it knows of itself.
struct ConnectionFacts {
  Door& door;
  Shelf& shelf;
  bool secure = false;
  std::string peer_address;

  HttpShared& shared() const { return door.shared; }
  const HttpLimits& limits() const { return door.shared.limits(); }
  base::SteadyTime in(std::chrono::nanoseconds duration) const {
    return shelf.core.now() + duration;
  }
  // When a transfer that began at `start` has to be through, now that `bytes` have moved.
  base::SteadyTime transfer_deadline(base::SteadyTime start, std::size_t bytes) const;
  // The Date header's text.
  const std::string& date() const;
  // Runs the handler: exceptions become a 500, and the coroutine comes back to its core. Answers
  // with headers that cannot break the connection, and within the budget of answers. Consumes
  // `request`, which has to be there until it has answered.
  async::Task<Answer> answer(HttpRequest& request) const;
  // The same by the door's uploads.
  bool is_upload(const HttpRequest& request) const {
    return door.uploads.takes && door.uploads.takes(request);
  }
  async::Task<Answer> answer_upload(HttpRequest request, BodyReader& body) const;
  async::Task<Answer> answer_whole_upload(HttpRequest& request) const;
  async::Task<Answer> checked(std::function<async::Task<HttpResponse>()> run) const;
  Answer within_budget(HttpResponse response) const;
};

// Serves a connection until it ends. On the current core; the door's gate is held by the caller.
async::Task<void> serve_connection(std::shared_ptr<Door> door,
                                   std::unique_ptr<async::Stream> stream);

}  // namespace wire
