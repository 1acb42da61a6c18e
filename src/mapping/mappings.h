#pragma once

// Mappings: every event source mapping of the server: makes, changes, removes and runs them. One
// per server; lives on its control core. What a change answers is durable; a change in place stops
// the mapping's workers, then starts them again from their checkpoints.

#include <map>
#include <memory>

#include "async/gate.h"
#include "async/mutex.h"
#include "base/snapshot.h"
#include "mapping/shard_worker.h"

namespace mapping {

struct Status {
  Config config;
  State state = State::kEnabled;
  Progress progress;
};

class Mappings {
 public:
  Mappings(store::Store& store, async::Core& control, SourceOpener& sources, Invoker& invoker,
           FailureSink& failures, const base::Clock& clock, base::Random& random);
  ~Mappings();

  // Loads what is there; start() then runs it.
  async::Task<base::Status> open();
  void start();
  async::Task<void> stop();

  async::Task<base::Result<Status>> create(Config config);
  // kNotFound: no such mapping.
  async::Task<base::Result<Status>> update(std::string id,
                                           std::function<base::Status(Config&)> change);
  async::Task<base::Result<Status>> remove(std::string id);
  async::Task<base::Result<Status>> get(std::string id);
  async::Task<std::vector<Status>> list();

 private:
  struct Running;

  async::Task<base::Result<Status>> create_here(Config config);
  async::Task<base::Result<Status>> update_here(std::string id,
                                                std::function<base::Status(Config&)> change);
  async::Task<base::Result<Status>> remove_here(std::string id);
  async::Task<base::Result<Status>> get_here(std::string id);
  async::Task<std::vector<Status>> list_here();
  void launch(Running& running);
  async::Task<void> halt(Running& running);
  async::Task<void> drive(Running& running);
  async::Task<bool> start_shards(Running& running);
  async::Task<void> work(Running& running, std::string shard);
  Status status_of(const Running& running) const;

  store::Store& store_;
  async::Core& control_;
  SourceOpener& sources_;
  Invoker& invoker_;
  FailureSink& failures_;
  const base::Clock& clock_;
  base::Random& random_;

  async::Mutex changing_;
  bool started_ = false;
  std::map<std::string, std::unique_ptr<Running>> running_;
};

}  // namespace mapping
