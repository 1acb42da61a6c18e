#pragma once

// EventQueue: asynchronous invocations (InvocationType=Event). What add() has answered is durable
// and will be run at least once, up to two times more if the function fails (after one and two
// minutes, as on AWS); throttled ones wait without counting. Given up after six hours. Fewer times
// and sooner where the function's EventConfig says so.
//
// Where that names a destination for how the invocation ended, its record is durable before the
// invocation is forgotten, and is delivered at least once; given up after kDeliveriesMax failures.
//
// One per server, on its control core; add() is thread-safe. start() goes on with what an earlier
// run left.

#include <map>
#include <memory>
#include <stop_token>

#include "async/gate.h"
#include "async/signal.h"
#include "functions/invoker.h"
#include "store/store.h"

namespace functions {

inline constexpr std::size_t kEventsMax = 10'000;  // waiting, in all; beyond: throttled
inline constexpr std::size_t kEventsRunningMax = 64;
inline constexpr std::size_t kEventPayloadBytesMax = 1U << 20U;

inline constexpr int kDeliveriesMax = 5;  // of a record, if the destination fails

class EventQueue {
 public:
  struct Deps {
    store::Store& store;
    async::Core& control;
    const Catalogue& catalogue;
    Invoker& invoker;
    Destinations& destinations;
    const base::Clock& clock;
    base::Random& random;
  };
  explicit EventQueue(Deps deps);

  async::Task<base::Status> open();
  void start();
  // After the Invoker's, which ends what runs: an event under way is tried again at the next start.
  async::Task<void> stop();

  // Answers the request's id once it is durable. TooManyRequestsException when full.
  async::Task<api::Outcome<std::string>> add(Invocation invocation);

 private:
  struct Event;
  struct Verdict;
  async::Task<api::Outcome<std::string>> add_here(Invocation invocation);
  async::Task<void> dispatch();
  async::Task<void> run(std::uint64_t id);
  async::Task<bool> attempt(std::uint64_t id);
  async::Task<bool> finish(std::uint64_t id, Event event, Verdict verdict);
  async::Task<bool> deliver(std::uint64_t id, Event event);
  async::Task<void> save(std::uint64_t id, const Event* event);
  EventConfig config_of(const Invocation& invocation) const;
  Verdict judge(const Event& event, const std::optional<api::Outcome<InvocationResult>>& result);

  store::Store& store_;
  async::Core& control_;
  const Catalogue& catalogue_;
  Invoker& invoker_;
  Destinations& destinations_;
  const base::Clock& clock_;
  base::Random& random_;

  std::uint64_t next_id_ = 1;
  std::size_t running_ = 0;
  std::map<std::uint64_t, base::Timestamp> waiting_;  // id to when it is due
  std::size_t held_ = 0;                              // waiting and running
  std::stop_source stop_;
  async::Signal changed_;
  async::Gate gate_;
};

}  // namespace functions
