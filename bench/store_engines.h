#pragma once

// The three ways to keep a stream's records that docs/decisions/0003-one-journal.md compares.

#include <memory>
#include <string>
#include <vector>

#include "async/blocking.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/real_files.h"

namespace bench {

struct World {
  io::RealFiles files;
  async::BlockingPool pool{2};
  base::SystemRandom random;
  base::SystemClock clock;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // Durable once it has answered; false: failed. Called on a core, or if blocking() by a thread of
  // its own, in which it never suspends.
  virtual async::Task<bool> commit(std::vector<std::string> records) = 0;
  // Up to 500 records from `position` on; answers how many.
  virtual async::Task<std::size_t> read(std::uint64_t position) = 0;
  // Everything to disk, as an hour later.
  virtual void settle() = 0;
  virtual bool blocking() const = 0;
};

// a: the embedded store; payloads in the journal, an index of them in RocksDB.
std::unique_ptr<Engine> open_index(World& world, const std::string& folder);
// b: RocksDB alone, with its own log, synced.
std::unique_ptr<Engine> open_rocksdb(World& world, const std::string& folder);
// c: payloads in the journal and copied into RocksDB, which has no log.
std::unique_ptr<Engine> open_copy(World& world, const std::string& folder);

}  // namespace bench
