#include "backups/filling.h"

#include "tables/item.h"

namespace backups {

namespace {

// What the indexes are filled from: the definition, and itself with each index alone, which says
// whether an item's attributes can be keys of that very one.
class Indexes {
 public:
  explicit Indexes(const tables::Definition& table) : table_(table) {
    for (const tables::Index& index : table.indexes) {
      tables::Definition one;
      one.keys = table.keys;
      one.indexes = {index};
      alone_.push_back(std::move(one));
    }
  }

  void add(const tables::Item& item, store::Batch& batch, tables::Counts& counts) const {
    for (const tables::Definition& one : alone_) {
      const tables::Index& index = one.indexes.front();
      const auto entry = tables::index_entry(table_, index, item);
      if (!entry || tables::check_index_keys(one, item)) continue;
      batch.put(tables::keys::entries(table_.id, index.id) +
                    tables::encode_index_key(table_, index, *entry),
                tables::encode_item(*entry));
      tables::Count& count = counts[index.id];
      count.items += 1;
      count.bytes += static_cast<std::int64_t>(tables::item_size(*entry));
    }
  }

 private:
  const tables::Definition& table_;
  std::vector<tables::Definition> alone_;
};

}  // namespace

void add_items(tables::Table& table, std::vector<NewItem> page, store::Batch& batch) {
  if (page.empty()) return;
  const auto definition = table.definition();
  const Indexes indexes(*definition);
  const std::string prefix = tables::keys::items(table.id());
  tables::Counts counts;
  for (NewItem& one : page) {
    tables::Count& whole = counts[tables::IndexId(0)];
    whole.items += 1;
    whole.bytes += static_cast<std::int64_t>(tables::item_size(one.item));
    indexes.add(one.item, batch, counts);
    batch.put(prefix + one.key, std::move(one.bytes));
  }
  // The only writer of this table: any share of its counts will do.
  table.count(0, counts, batch);
}

}  // namespace backups
