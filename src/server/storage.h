#pragma once

// What every part rests on: clock, randomness, files, cores, and the store. The lowest layer of the
// wiring.

#include <memory>
#include <string>

#include "async/asio_core.h"
#include "async/blocking.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/seal.h"
#include "io/real_files.h"
#include "server/secrets.h"
#include "server/settings.h"
#include "store/embedded_store.h"

namespace server {

class Storage {
 public:
  static base::Result<std::unique_ptr<Storage>> open(const Settings& settings);
  ~Storage();

  async::AsioCore& control() { return cores_.core(0); }
  async::CorePool& cores() { return cores_; }
  store::Store& store() { return *store_; }
  store::EmbeddedMetrics store_metrics() const { return store_->metrics(); }
  void close();  // idempotent

  base::SystemClock clock;
  base::SystemRandom random;
  io::RealFiles files;
  async::BlockingPool blocking;
  Secrets secrets;
  std::unique_ptr<base::Sealer> sealer;

 private:
  explicit Storage(std::size_t cores);

  async::CorePool cores_;
  std::unique_ptr<store::EmbeddedStore> store_;
};

}  // namespace server
