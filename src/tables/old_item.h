#pragma once

// OldItem: an item as a write finds it, or nothing. Most writes ask only whether it is there and
// how large it is, so it stays in its stored form until somebody looks into it. A value; not to be
// looked into by two threads at once.

#include <optional>
#include <string>

#include "base/result.h"
#include "tables/value.h"

namespace tables {

class OldItem {
 public:
  OldItem() = default;
  explicit OldItem(std::optional<Item> item);
  // Of what the store answers. kCorruption: that is no item.
  static base::Result<OldItem> of_stored(std::optional<std::string> stored);

  explicit operator bool() const { return there_; }
  std::size_t bytes() const { return bytes_; }  // item_size()
  // nullptr if there is none; good as long as this one is.
  const Item* get() const;
  const Item& operator*() const { return *get(); }
  const Item* operator->() const { return get(); }
  // The same to keep. Does not decode for others.
  std::optional<Item> copy() const;

 private:
  bool there_ = false;
  std::size_t bytes_ = 0;
  std::string stored_;  // empty if it never was in that form
  mutable std::optional<Item> item_;
};

}  // namespace tables
