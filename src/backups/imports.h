#pragma once

// Imports: makes a table out of the files in a bucket. Owned by the server; one; thread-safe.
// open() after the Backups, stop() before them. Runs in the background on the control core, with
// what takes long on the pool; reads kImportPieceBytes at a time, writes a page at a time, waits
// for each. A line that holds no item of the table is counted and passed over; of two items with
// one key the later stays. The table is CREATING until all is there. What cannot be read ends the
// import, and the table goes; so does the end of the process.

#include "async/blocking.h"
#include "backups/backups.h"
#include "backups/import_text.h"
#include "backups/inflate.h"
#include "backups/ports.h"
#include "backups/transfers.h"

namespace backups {

inline constexpr std::size_t kImportPieceBytes = 1U << 20U;
inline constexpr std::size_t kImportPage = 256;  // lines written at a time

struct ImportOrder {
  using Description = api::dynamodb::ImportTableDescription;
  tables::Definition target;
  Description description;  // all that was asked for; the rest is filled in here
  ItemParser::Settings settings;
  Compression compression = Compression::kNone;
  std::string prefix;  // of the objects' keys
  std::unique_ptr<Bucket> bucket;
};

class Imports {
 public:
  using Description = api::dynamodb::ImportTableDescription;

  Imports(Backups& backups, async::BlockingPool& pool)
      : backups_(backups), pool_(pool), known_(backups.parts().store, 'i') {}

  async::Task<base::Status> open() { return known_.open(backups_.parts().clock.now()); }
  async::Task<void> stop();

  // Answers it as it has begun. Errors: the catalogue's.
  async::Task<api::Outcome<Description>> begin(ImportOrder order);
  Transfers<Description>& known() { return known_; }

 private:
  struct Running;
  async::Task<api::Outcome<Description>> begin_here(ImportOrder order);
  async::Task<void> run(std::shared_ptr<Running> running);
  async::Task<api::Outcome<void>> read_all(Running& running);
  async::Task<api::Outcome<void>> read_file(Running& running, Bucket::Entry file);
  async::Task<api::Outcome<void>> read_piece(Running& running, Inflater& inflater, Lines& lines,
                                             ItemParser& parser);
  async::Task<api::Outcome<void>> write(Running& running, std::vector<Lines::Line> lines,
                                        ItemParser& parser);
  async::Task<base::Status> tell(Running& running);

  Backups& backups_;
  async::BlockingPool& pool_;
  Transfers<Description> known_;
  async::Gate gate_;
  std::stop_source stop_;
};

}  // namespace backups
