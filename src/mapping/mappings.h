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

// Where in a stream: for people, who do not count positions.
struct Place {
  enum class Kind { kTrimHorizon, kLatest, kTime, kSequence };
  Kind kind = Kind::kTrimHorizon;
  base::Timestamp time;  // kTime: the first record that arrived then or later
  std::string sequence;  // kSequence: that record
};
struct ShardPlace {
  std::string shard;
  Position position = 0;
};

// How far a mapping has come in a shard.
struct ShardStatus {
  enum class State {
    kWaiting,  // for its parents, or for its worker to start
    kReading,
    kStopped,  // the mapping is disabled
    kDone,     // closed and processed to its end
  };
  std::string shard;
  State state = State::kWaiting;
  Position position = 0;  // the lowest one that is not processed
  SourceRange range;
  std::optional<SourceRecord> next;  // at `position`
  std::uint64_t lag_records = 0;     // at most: lanes may be ahead of the lowest position
  std::chrono::milliseconds lag{0};  // age of `next`
  std::vector<Blocked> blocked;      // by lane
};
struct Inspection {
  Status status;
  std::vector<ShardStatus> shards;
  std::string problem;  // why shards could not be looked at; empty: they were
};

struct SkipRequest {
  std::string id, shard, sequence;
  std::string destination_arn;  // told before; empty: nobody
};
struct ReplayRequest {
  std::string id, shard;
  Position from = 0, until = 0;
  std::int32_t records_max = kBatchSizeDefault;
  std::string function_arn;
};
struct Replayed {
  std::size_t records = 0;  // that passed the mapping's filter; none: nobody was called
  Position next = 0;
  bool finished = false;
  std::string last_sequence;
  InvokeResult result;
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

  // --- for people (docs/decisions/0008-mappings-for-people.md) -----------------------------------
  // All of these: kNotFound for a mapping, shard or record that is not there; what the stream
  // answers otherwise.
  async::Task<base::Result<Inspection>> inspect(std::string id);
  // `shard` empty: of all shards; with a sequence number, of the one that has it.
  async::Task<base::Result<std::vector<ShardPlace>>> find(std::string id, std::string shard,
                                                          Place place);
  // The mapping goes on there. Durable.
  async::Task<base::Result<std::vector<ShardPlace>>> rewind(std::string id, std::string shard,
                                                            Place place);
  // The failing batch is halved, whatever the settings say, until one record is left.
  async::Task<base::Status> isolate(std::string id, std::string shard);
  // The failing record and its failure document. kConflict: it does not stand alone yet.
  async::Task<base::Result<std::pair<Blocked, std::string>>> blocked(std::string id,
                                                                     std::string shard,
                                                                     std::string sequence);
  // Durable. kConflict: no record of that number blocks the shard alone; or the destination's
  // refusal.
  async::Task<base::Status> skip(SkipRequest request);
  // One call of another function with the records that follow.
  async::Task<base::Result<Replayed>> replay(ReplayRequest request);

 private:
  struct Running;

  async::Task<base::Result<Status>> create_here(Config config);
  async::Task<base::Result<Status>> update_here(std::string id,
                                                std::function<base::Status(Config&)> change);
  async::Task<base::Result<Status>> remove_here(std::string id);
  async::Task<base::Result<Status>> get_here(std::string id);
  async::Task<std::vector<Status>> list_here();
  async::Task<base::Result<Inspection>> inspect_here(std::string id);
  async::Task<base::Result<ShardStatus>> inspect_shard(std::string id, RecordSource& source,
                                                       std::string shard);
  async::Task<base::Result<std::vector<ShardPlace>>> find_here(std::string id, std::string shard,
                                                               Place place);
  async::Task<base::Result<std::vector<ShardPlace>>> rewind_here(std::string id, std::string shard,
                                                                 Place place);
  async::Task<base::Status> isolate_here(std::string id, std::string shard);
  async::Task<base::Result<std::pair<Blocked, std::string>>> blocked_here(std::string id,
                                                                          std::string shard,
                                                                          std::string sequence);
  async::Task<base::Status> skip_here(SkipRequest request);
  async::Task<base::Result<Replayed>> replay_here(ReplayRequest request);
  const ShardState* live(const std::string& id, const std::string& shard) const;
  base::Result<std::unique_ptr<RecordSource>> open_source(const std::string& id) const;
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
