#pragma once

// Writing items: what a write asks for, the checks that need only the table's definition, and the
// decision once the old item is known. The pure half; writer.h does it to a store.

#include <memory>
#include <optional>

#include "api/error.h"
#include "tables/changes.h"
#include "tables/expression/ast.h"
#include "tables/lazy_item.h"
#include "tables/table.h"

namespace tables {

struct Write {
  enum class Kind { kPut, kUpdate, kDelete, kCheck };  // kCheck: in transactions only
  Kind kind = Kind::kPut;
  LazyItem item;  // kPut: the item; otherwise the key
  std::optional<expression::Condition> condition;
  std::optional<expression::Update> update;
  bool old_item_on_failure = false;  // a failed condition's error carries the item
};

enum class ReturnValues { kNone, kAllOld, kUpdatedOld, kAllNew, kUpdatedNew };

struct Written {
  LazyItem before;
  LazyItem after;
  double table_units = 1;                     // write capacity
  std::map<std::string, double> index_units;  // by index name; only what was touched

  // The Attributes of an answer; nullopt: none are shown.
  std::optional<Item> returned(ReturnValues wanted, const Write& write) const;
};

// AWS's checks of a write against the table's schema, before any item is read.
std::optional<api::Error> check_write(const Definition& definition, const Write& write);
// Key attributes are scalars: no path goes into one.
std::optional<api::Error> check_key_paths(const Definition& definition,
                                          const std::vector<const expression::Path*>& paths);

// What becomes of the item: nothing, or an item. The error is the caller's: a failed condition, an
// update that does not fit the item, an item that grows too large.
api::Outcome<LazyItem> decide(const Definition& definition, Write write, const LazyItem& before);

// Adds the change of one item and of its index entries to the batch, and to `counts` what it does
// to the table's counts; answers what the write costs.
Written record_change(const Definition& definition, std::string item_key, LazyItem before,
                      LazyItem after, store::Batch& batch, Counts& counts);

// What was written as changes, to tables whose changes are kept; they refer to both arguments,
// whose elements go together. What is written nowhere (a check, a delete of nothing) is none.
std::vector<Change> changes_of(const std::vector<std::shared_ptr<const Definition>>& definitions,
                               const std::vector<Written>& written);

// ConditionalCheckFailedException, with the item where asked for.
api::Error condition_failed(const LazyItem& item, bool show_item);
api::Error table_not_found();
double write_units(std::size_t bytes);

}  // namespace tables
