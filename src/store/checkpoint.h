#pragma once

// The checkpoint: one small file that says up to where RocksDB's files hold what the journal says.
// docs/formats/store.md.

#include <optional>
#include <string>

#include "io/files.h"
#include "wal/journal.h"

namespace store {

// Durable once it has answered; until then the one before stands.
base::Status write_checkpoint(io::Files& files, const std::string& folder,
                              const wal::ReplayStart& start);
// nullopt: none was ever written. kCorruption: it is damaged.
base::Result<std::optional<wal::ReplayStart>> read_checkpoint(io::Files& files,
                                                              const std::string& folder);

}  // namespace store
