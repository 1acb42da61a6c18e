#pragma once

// What Millrace keeps: every domain over the store, opened together. The middle layer of the
// wiring; knows no service and no HTTP.

#include "backups/exports.h"
#include "backups/imports.h"
#include "changes/changes.h"
#include "identity/identity.h"
#include "journal/journal.h"
#include "metrics/metrics.h"
#include "objects/objects.h"
#include "server/adapters/change_sinks.h"
#include "server/storage.h"
#include "streamlog/stream_log.h"
#include "tables/tables.h"

namespace server {

struct Domains {
  Domains(const Settings& settings, Storage& storage);

  base::Status open(async::Core& control);
  void start();  // background work
  void stop(async::Core& control);

  metrics::Recorder recorder;  // before all that record
  identity::Identity identity;
  streamlog::StreamLog streams;
  changes::Changes changes;
  backups::Histories histories;
  ChangeSinks sinks;
  tables::Tables tables;
  backups::Backups backups;
  backups::Exports exports;
  backups::Imports imports;
  objects::Objects objects;
  journal::Journal journal;
  metrics::Metrics metrics;
};

}  // namespace server
