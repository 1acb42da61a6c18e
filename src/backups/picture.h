#pragma once

// Picture: a consistent copy of a table's items, as they were at one moment. Taken in the
// background while the table is written to, in bounded pages, without a lock over the table.
//
// How. The moment is a position of the table's history (history.h): its `cut`. First the items are
// copied as they come, page by page: what comes out is torn, for writers go on. Then every change
// from the cut up to the end of the copying is undone in the copy, newest first: each puts back the
// item as it was before it. An item that was not touched since the cut was copied as it is; one
// that was is put back by the first change after the cut, whenever the copying came by. So the
// copy is the table at the cut, exactly, across all keys and transactions.
//
// A Picture is a value that is persisted with each page in one batch: after a crash the work goes
// on where it was. The table's definition names the picture while it is taken, which keeps the
// history whole. Pure but for take().

#include <stop_token>

#include "backups/history.h"
#include "tables/table.h"

namespace backups {

inline constexpr std::size_t kCopyPage = 256;  // items at a time

struct Picture {
  enum class Phase : std::uint8_t { kCopying = 0, kUndoing = 1, kTaken = 2 };

  std::string id;
  tables::TableId table;
  Position cut = 1;
  Phase phase = Phase::kCopying;
  std::string cursor;  // kCopying: below this the items are copied; without the prefix
  Position end = 1;    // kUndoing: from here on the changes are undone
  tables::Count count;

  std::string prefix() const;  // of its items in the store
};

std::string encode_picture(const Picture& picture);
Picture decode_picture(std::string_view bytes);

// Adds what persists the picture as it is to the batch.
using Persist = std::function<void(const Picture&, store::Batch&)>;

// Takes what is left of it. Answers kCancelled when it was stopped. The picture is persisted, and
// durable, as kTaken when this answers success. `history` and `keys` are those of the table.
async::Task<base::Status> take(store::Store& store, History& history, tables::KeySchema keys,
                               Picture& picture, Persist persist, std::stop_token stop);

}  // namespace backups
