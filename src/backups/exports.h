#pragma once

// Exports: writes a table as it was at a moment, or what changed in it between two moments, to a
// bucket, in AWS's layout of objects. Owned by the server; one; thread-safe. open() after the
// Backups, stop() before them. An export runs in the background, on the control core with what
// takes long on the pool, and holds kExportFileBytes of a table at a time. It ends with the
// process: a server that starts calls it FAILED.

#include "async/blocking.h"
#include "backups/backups.h"
#include "backups/export_text.h"
#include "backups/ports.h"
#include "backups/transfers.h"

namespace backups {

// Of text, before it is compressed, in one data file.
inline constexpr std::size_t kExportFileBytes = 8U << 20U;

struct ExportOrder {
  using Description = api::dynamodb::ExportDescription;
  tables::TableName table;
  Description description;  // all that was asked for; the rest is filled in here
  ExportFormat format = ExportFormat::kJson;
  base::Timestamp time{};                // of a full export
  std::optional<base::Timestamp> from;   // of an incremental one: inclusive
  std::optional<base::Timestamp> until;  // exclusive
  bool with_old_image = true;
  std::unique_ptr<Bucket> bucket;
};

class Exports {
 public:
  using Description = api::dynamodb::ExportDescription;

  Exports(Backups& backups, async::BlockingPool& pool)
      : backups_(backups), pool_(pool), known_(backups.parts().store, 'e') {}

  async::Task<base::Status> open() { return known_.open(backups_.parts().clock.now()); }
  async::Task<void> stop();

  // Answers it as it has begun. The table has point-in-time recovery, and the times are within its
  // window. Errors: as Backups::create().
  async::Task<api::Outcome<Description>> begin(ExportOrder order);
  Transfers<Description>& known() { return known_; }

 private:
  struct Running;
  async::Task<api::Outcome<Description>> begin_here(ExportOrder order);
  async::Task<void> run(std::shared_ptr<Running> running);
  async::Task<api::Outcome<void>> write(Running& running);
  async::Task<api::Outcome<void>> write_items(Running& running);
  async::Task<api::Outcome<void>> gather_changes(Running& running);
  async::Task<api::Outcome<void>> write_changes(Running& running);
  async::Task<api::Outcome<void>> write_rows(Running& running);
  async::Task<api::Outcome<void>> write_file(Running& running);
  async::Task<api::Outcome<void>> write_manifests(Running& running);
  async::Task<api::Outcome<void>> put_with_md5(Running& running, std::string name,
                                               std::string body);

  Backups& backups_;
  async::BlockingPool& pool_;
  Transfers<Description> known_;
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace backups
