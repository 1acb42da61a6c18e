#include "server/domains.h"

namespace server {
namespace {

std::vector<async::Core*> all_cores(async::CorePool& pool) {
  std::vector<async::Core*> cores;
  for (std::size_t i = 0; i < pool.size(); ++i) cores.push_back(&pool.core(i));
  return cores;
}

}  // namespace

Domains::Domains(const Settings& settings, Storage& storage)
    : identity(settings.account_id, storage.secrets.root, storage.store(), storage.control(),
               storage.clock, storage.random, *storage.sealer),
      streams(storage.store(), storage.control(),
              [&storage](std::uint64_t n) -> async::Core& { return storage.cores().owner(n); },
              storage.clock, storage.random, {.enforce_limits = settings.enforce_limits}),
      tables(storage.store(), storage.clock, storage.random, {.cores = all_cores(storage.cores())}),
      objects(storage.store(), storage.files, storage.blocking, storage.clock, storage.random,
              settings.data_dir + "/objects"),
      journal(storage.store(), storage.control(), storage.clock) {}

base::Status Domains::open(async::Core& control) {
  RETURN_IF_ERROR(async::wait_for(control, identity.open()));
  RETURN_IF_ERROR(async::wait_for(control, streams.open()));
  RETURN_IF_ERROR(async::wait_for(control, tables.open()));
  RETURN_IF_ERROR(async::wait_for(control, objects.open()));
  RETURN_IF_ERROR(async::wait_for(control, journal.open()));
  return {};
}

void Domains::start() {
  streams.start();
  journal.start();
}

void Domains::stop(async::Core& control) {
  async::wait_for(control, streams.stop());
  async::wait_for(control, journal.stop());
  async::wait_for(control, tables.stop());
}

}  // namespace server
