#include "tables/old_item.h"

#include "base/check.h"
#include "tables/item.h"
#include "tables/stored_item.h"

namespace tables {

OldItem::OldItem(std::optional<Item> item) : there_(item.has_value()), item_(std::move(item)) {
  if (item_) bytes_ = item_size(*item_);
}

base::Result<OldItem> OldItem::of_stored(std::optional<std::string> stored) {
  OldItem made;
  if (!stored) return made;
  // Whoever measures the bytes has seen all of them: what is damaged is found here, not later.
  const auto sizes = stored_sizes(KeySchema(), *stored);
  if (!sizes)
    return base::error(base::ErrorCode::kCorruption, "an item whose bytes do not fit together");
  made.there_ = true;
  made.bytes_ = sizes->item;
  made.stored_ = *std::move(stored);
  return made;
}

const Item* OldItem::get() const {
  if (!there_) return nullptr;
  if (!item_) item_ = copy();
  return &*item_;
}

std::optional<Item> OldItem::copy() const {
  if (!there_ || item_) return item_;
  auto decoded = decode_item(stored_);
  CHECK(decoded.has_value());
  return *std::move(decoded);
}

}  // namespace tables
