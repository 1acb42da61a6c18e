#pragma once

// ChangeSink: who wants to know of every change to an item of a table that is captured, in the
// batch that makes it (streams, histories), and of every change to what is to be kept of them.
// Declared here, implemented by whoever keeps the changes; wired by the server.

#include <memory>
#include <span>

#include "store/store.h"
#include "tables/definition.h"

namespace tables {

class Table;

// Whether anybody wants to know of the table's changes: only those are told.
bool is_captured(const Definition& table);

struct Change {
  const Definition& table;
  const Item* before = nullptr;  // nullptr: the item is new
  const Item* after = nullptr;   // nullptr: the item is gone
  bool expired = false;          // removed because its time to live was over
};

class ChangeSink {
 public:
  // Holds the order of what was recorded until its batch is submitted. Lives and dies in one thread
  // without a suspension in between.
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual void submitted(store::Sequence sequence) = 0;
  };

  virtual ~ChangeSink() = default;
  // Adds what records the changes to `batch`; nullptr if that is nothing. Called right before
  // submit(), with the items' locks held: calls for one item come in the order of its changes.
  virtual std::unique_ptr<Recording> record(std::span<const Change> changes,
                                            store::Batch& batch) = 0;
  // A table comes (no `before`), goes (no `after`) or has its captures changed: adds to the batch
  // that makes it so, and is ready for changes of `after`. One call after the other.
  virtual void redefine(const Definition* before, const Definition* after, store::Batch& batch) = 0;
  // What redefine() was told is durable, and nobody writes by `before` any more.
  virtual void redefined(const Definition* before, const Definition* after) = 0;
  // The table is going, and nobody writes to it any more: what is to be kept of it joins the batch
  // that removes it. Items of a table with point-in-time recovery stay in the store, and are
  // whoever's who keeps them here.
  virtual void removing(const Table& /*table*/, store::Batch& /*batch*/) {}
};

// Records the changes in the batch and submits it. `sink` may be nullptr.
base::Result<store::Sequence> submit_changes(store::Store& store, ChangeSink* sink,
                                             std::span<const Change> changes, store::Batch batch);

}  // namespace tables
