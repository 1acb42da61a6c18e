#include "server/storage.h"

#include <sched.h>

#include <algorithm>
#include <thread>

namespace server {
namespace {

constexpr std::size_t kCoresMax = 8;
constexpr std::size_t kBlockingThreads = 4;

// Those that this process may run on: a server that is pinned to one gains nothing by two threads.
std::size_t processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return static_cast<std::size_t>(CPU_COUNT(&set));
  return std::thread::hardware_concurrency();
}

std::size_t core_count(const Settings& settings) {
  if (settings.cores > 0) return settings.cores;
  return std::clamp<std::size_t>(processors(), 1, kCoresMax);
}

}  // namespace

Storage::Storage(std::size_t cores) : blocking(kBlockingThreads), cores_(cores) {}
Storage::~Storage() { close(); }

base::Result<std::unique_ptr<Storage>> Storage::open(const Settings& settings) {
  auto storage = std::unique_ptr<Storage>(new Storage(core_count(settings)));
  RETURN_IF_ERROR(storage->files.make_folder(settings.data_dir));
  store::EmbeddedOptions options{.folder = settings.data_dir + "/store"};
  options.block_cache_bytes = settings.cache_bytes;
  // The store's lock comes first: two servers never make secrets in one folder.
  ASSIGN_OR_RETURN(storage->store_,
                   store::EmbeddedStore::open(std::move(options), storage->files, storage->blocking,
                                              storage->random, storage->clock));
  ASSIGN_OR_RETURN(storage->secrets, open_secrets(storage->files, settings.data_dir,
                                                  storage->random, storage->clock));
  storage->sealer = std::make_unique<base::Sealer>(storage->secrets.seal_key, storage->random);
  return storage;
}

void Storage::close() {
  cores_.stop();
  if (!store_) return;
  const base::Status closed = store_->close();
  (void)closed;  // what was acknowledged is durable either way
  store_.reset();
}

}  // namespace server
