#pragma once

// StreamLog: every stream of this server: makes, changes and removes them, and finds their shards.
// One per server; lives on its control core, where changes happen one after another; lookups read a
// snapshot from any core. What a change answers is durable.
//
// Errors: kNotFound (no such stream or shard), kAlreadyExists, kConflict (not in a state for it),
// kInvalidArgument (a hash key or shard that cannot be split or merged so).

#include <functional>
#include <map>
#include <memory>

#include "async/gate.h"
#include "async/mutex.h"
#include "auth/policy.h"
#include "base/random.h"
#include "base/snapshot.h"
#include "streamlog/account_settings.h"
#include "streamlog/shard.h"

namespace streamlog {

using PolicyPtr = std::shared_ptr<const auth::PolicyDocument>;  // null: none

// A stream with its running shards. Immutable; replaced as a whole when the stream changes.
struct Stream {
  StreamInfo info;
  std::map<std::uint32_t, std::shared_ptr<Shard>> shards;
  // The resource policies of `info`, parsed.
  PolicyPtr policy;
  std::map<std::string, PolicyPtr> consumer_policies;  // by name, where there is one

  std::shared_ptr<Shard> shard(std::uint32_t index) const;
  PolicyPtr consumer_policy(const std::string& name) const;
};
using StreamPtr = std::shared_ptr<const Stream>;

struct CreateOptions {
  std::uint32_t shard_count = 4;
  bool on_demand = false;
  std::uint32_t record_kib_max = 1024;
  std::uint32_t retention_hours = 24;
  std::optional<std::uint32_t> warm_mib;
  std::map<std::string, std::string> tags;
};

struct StreamLogOptions {
  bool enforce_limits = false;  // each shard has its ShardLimits
};

class StreamLog {
 public:
  // Answers the core that owns the `n`th shard made; every answer must outlive the StreamLog.
  using CoreOf = std::function<async::Core&(std::uint64_t n)>;

  StreamLog(store::Store& store, async::Core& control, CoreOf core_of, const base::Clock& clock,
            base::Random& random, StreamLogOptions options = {});

  // Loads what is there. Once, before anything else.
  async::Task<base::Status> open();
  // Enforces retention from time to time until stop().
  void start();
  async::Task<void> stop();

  // Any core, no waiting. nullptr: no such stream.
  StreamPtr find(const StreamKey& key) const;
  // Of one account and region, by name.
  std::vector<StreamPtr> list(const std::string& account_id, const std::string& region) const;

  async::Task<base::Result<StreamPtr>> create(StreamKey key, CreateOptions options);
  async::Task<base::Status> remove(StreamKey key);
  // Changes everything but key, id and shards. `change` may refuse.
  async::Task<base::Result<StreamPtr>> update(StreamKey key,
                                              std::function<base::Status(StreamInfo&)> change);
  // `at` begins the second child; strictly inside the shard's range.
  async::Task<base::Result<StreamPtr>> split(StreamKey key, std::uint32_t shard, HashKey at);
  // `adjacent` begins where `shard` ends.
  async::Task<base::Result<StreamPtr>> merge(StreamKey key, std::uint32_t shard,
                                             std::uint32_t adjacent);
  // Splits and merges until `target` even shards are open.
  async::Task<base::Result<StreamPtr>> reshard(StreamKey key, std::uint32_t target);
  // Trims what retention has passed, and forgets closed shards once they are empty.
  async::Task<base::Status> enforce_retention();

  AccountSettings& accounts() { return accounts_; }
  const AccountSettings& accounts() const { return accounts_; }
  // Notified when any stream is made, changed or removed.
  async::Signal& changed() { return changed_; }

 private:
  using Streams = std::map<StreamKey, StreamPtr>;

  async::Task<base::Result<StreamPtr>> create_here(StreamKey key, CreateOptions options);
  async::Task<base::Status> remove_here(StreamKey key);
  async::Task<base::Result<StreamPtr>> update_here(StreamKey key,
                                                   std::function<base::Status(StreamInfo&)> change);
  async::Task<base::Result<StreamPtr>> replace_shards(StreamKey key,
                                                      std::vector<std::uint32_t> parents,
                                                      std::vector<HashRange> children);
  async::Task<base::Result<StreamPtr>> replace_shards_locked(const StreamPtr& stream,
                                                             std::vector<std::uint32_t> parents,
                                                             std::vector<HashRange> children);
  async::Task<base::Result<StreamPtr>> reshard_here(StreamKey key, std::uint32_t target);
  async::Task<base::Status> trim_stream(const StreamPtr& stream);
  async::Task<void> sweep();
  async::Task<base::Result<StreamPtr>> persist(StreamInfo info, StreamPtr before);
  async::Task<base::Result<StreamPtr>> load(StreamInfo info);
  ShardInfo new_shard(std::uint32_t index, HashRange range);
  std::shared_ptr<Shard> run_shard(const ShardInfo& info) const;
  void publish(const StreamKey& key, StreamPtr stream);

  store::Store& store_;
  async::Core& control_;
  CoreOf core_of_;
  const base::Clock& clock_;
  base::Random& random_;
  const StreamLogOptions options_;
  AccountSettings accounts_;

  async::Mutex changing_;  // one change at a time, whatever it awaits
  std::uint64_t next_log_ = 1;
  base::Snapshot<Streams> streams_;
  async::Signal changed_;
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace streamlog
