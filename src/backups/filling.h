#pragma once

// Filling: items into a table that nobody else reads or writes yet (Definition::is_filling()), a
// page in one batch: the items, their entries in the indexes, the table's counts, and what the
// caller adds, his cursor. No item may be there already: whoever resumes starts at his cursor.
// An item that cannot be in an index, wrong in type or size, is left out of it, as when an index is
// added to a table.

#include "tables/table.h"

namespace backups {

struct NewItem {
  std::string key;    // tables::encode_key()
  std::string bytes;  // tables::encode_item()
  tables::Item item;
};

// Adds the page to the batch.
void add_items(tables::Table& table, std::vector<NewItem> page, store::Batch& batch);

}  // namespace backups
