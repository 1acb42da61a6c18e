#pragma once

// ChangeSink: who wants to know of every change to an item, in the batch that makes it (streams,
// TTL records). Declared here, implemented by whoever keeps the changes; wired by the server.

#include "store/store.h"
#include "tables/definition.h"

namespace tables {

struct Change {
  const Definition& table;
  const Item* before = nullptr;  // nullptr: the item is new
  const Item* after = nullptr;   // nullptr: the item is gone
  bool expired = false;          // removed because its time to live was over
};

class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  // Adds what records the change to `batch`. Called on the core that submits the batch, right
  // before submit(), with the item's lock held: calls for one item come in the order of its
  // changes.
  virtual void record(const Change& change, store::Batch& batch) = 0;
};

}  // namespace tables
