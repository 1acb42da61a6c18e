#pragma once

// Job: work in the background that a crash does not undo: a backup that is taken, a table that is
// restored. Persisted with every step, in the step's own batch, so that the next start goes on
// where it was. Exports and imports write and read as their caller, whom nobody can be after a
// restart: theirs end with the process. A value. Pure.

#include <optional>
#include <string>

#include "backups/picture.h"
#include "tables/catalogue.h"

namespace backups {

struct Job {
  enum class Kind : std::uint8_t { kBackup = 0, kRestore = 1, kExport = 2, kImport = 3 };

  std::string id;
  Kind kind = Kind::kBackup;
  std::optional<Picture> picture;  // of `source`
  tables::TableName source;
  tables::TableName target;  // kRestore, kImport: the table that is filled
  std::string items;         // kRestore: where they are, in the store
  std::string cursor;        // kRestore: below this they are in the target; without `items`
  std::string backup;        // kRestore: the key of the backup that has to stay
};

std::string encode_job(const Job& job);
base::Result<Job> decode_job(std::string_view bytes);

}  // namespace backups
