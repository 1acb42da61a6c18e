#pragma once

// LazyItem: an item as a write finds it or brings it, or nothing. Most writes ask only whether it
// is there, how large it is and what its key is, so it stays in its stored form (item.h) until
// somebody looks into it. A value; not to be looked into by two threads at once.

#include <initializer_list>
#include <optional>
#include <string>

#include "base/result.h"
#include "tables/key.h"

namespace tables {

class LazyItem {
 public:
  LazyItem() = default;
  LazyItem(Item&& item);  // NOLINT: an item is one; to copy it has to be said
  LazyItem(std::initializer_list<Item::value_type> attributes) : LazyItem(Item(attributes)) {}
  // It nests no deeper than AWS takes, as everything that is in the store. kCorruption: that is no
  // item.
  static base::Result<LazyItem> of_stored(std::string stored);

  explicit operator bool() const { return there_; }
  bool is_decoded() const { return item_.has_value(); }
  std::size_t bytes() const { return bytes_; }  // item_size()
  // nullptr if there is none; good as long as this one is.
  const Item* get() const;
  const Item& operator*() const { return *get(); }
  const Item* operator->() const { return get(); }
  // The same to keep. Does not decode for others.
  std::optional<Item> copy() const;
  // The attribute of that name; good as long as this one is.
  std::optional<Scalar> find(const std::string& name) const;
  // Its stored form.
  std::string stored() const;

 private:
  bool there_ = false;
  std::size_t bytes_ = 0;
  std::string stored_;  // empty if it never was in that form
  mutable std::optional<Item> item_;
};

}  // namespace tables
