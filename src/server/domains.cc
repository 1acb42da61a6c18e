#include "server/domains.h"

namespace server {
namespace {

std::vector<async::Core*> all_cores(async::CorePool& pool) {
  std::vector<async::Core*> cores;
  for (std::size_t i = 0; i < pool.size(); ++i) cores.push_back(&pool.core(i));
  return cores;
}

std::vector<const async::Core*> recording_cores(async::CorePool& pool) {
  const auto cores = all_cores(pool);
  return {cores.begin(), cores.end()};
}

}  // namespace

Domains::Domains(const Settings& settings, Storage& storage)
    : recorder(recording_cores(storage.cores())),
      identity(settings.account_id, storage.secrets.root, storage.store(), storage.control(),
               storage.clock, storage.random, *storage.sealer),
      streams(storage.store(), storage.control(),
              [&storage](std::uint64_t n) -> async::Core& { return storage.cores().owner(n); },
              storage.clock, storage.random, {.enforce_limits = settings.enforce_limits}),
      changes(storage.store(), storage.control(), storage.clock),
      histories(storage.store(), storage.control(), storage.clock, storage.random),
      sinks(changes, histories),
      tables(storage.store(), storage.clock, storage.random,
             {.cores = all_cores(storage.cores()),
              .creation_delay = base::Milliseconds(settings.table_creation_ms)},
             &sinks),
      backups({.store = storage.store(),
               .control = storage.control(),
               .tables = tables,
               .histories = histories,
               .clock = storage.clock,
               .random = storage.random}),
      exports(backups, storage.blocking),
      imports(backups, storage.blocking),
      objects(storage.store(), storage.files, storage.blocking, storage.clock, storage.random,
              settings.data_dir + "/objects"),
      journal(storage.store(), storage.control(), storage.clock),
      metrics(storage.store(), storage.control(), storage.clock, recorder) {}

base::Status Domains::open(async::Core& control) {
  RETURN_IF_ERROR(async::wait_for(control, identity.open()));
  RETURN_IF_ERROR(async::wait_for(control, streams.open()));
  RETURN_IF_ERROR(async::wait_for(control, changes.open()));
  RETURN_IF_ERROR(async::wait_for(control, histories.open()));
  RETURN_IF_ERROR(async::wait_for(control, tables.open()));
  RETURN_IF_ERROR(async::wait_for(control, backups.open()));
  RETURN_IF_ERROR(async::wait_for(control, exports.open()));
  RETURN_IF_ERROR(async::wait_for(control, imports.open()));
  RETURN_IF_ERROR(async::wait_for(control, objects.open()));
  RETURN_IF_ERROR(async::wait_for(control, journal.open()));
  RETURN_IF_ERROR(async::wait_for(control, metrics.open()));
  return {};
}

void Domains::start() {
  streams.start();
  changes.start();
  histories.start();
  backups.start();
  journal.start();
  metrics.start();
}

void Domains::stop(async::Core& control) {
  async::wait_for(control, streams.stop());
  async::wait_for(control, journal.stop());
  async::wait_for(control, exports.stop());
  async::wait_for(control, imports.stop());
  async::wait_for(control, backups.stop());
  async::wait_for(control, tables.stop());
  async::wait_for(control, histories.stop());
  async::wait_for(control, changes.stop());
  async::wait_for(control, metrics.stop());
}

}  // namespace server
