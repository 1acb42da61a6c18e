#include "tables/lazy_item.h"

#include "base/check.h"
#include "tables/item.h"
#include "tables/stored_item.h"

namespace tables {

LazyItem::LazyItem(Item&& item) : there_(true), bytes_(item_size(item)), item_(std::move(item)) {}

base::Result<LazyItem> LazyItem::of_stored(std::string stored) {
  // Whoever measures the bytes has seen all of them: what is damaged is found here, not later.
  const auto sizes = stored_sizes(KeySchema(), stored);
  if (!sizes)
    return base::error(base::ErrorCode::kCorruption, "an item whose bytes do not fit together");
  LazyItem made;
  made.there_ = true;
  made.bytes_ = sizes->item;
  made.stored_ = std::move(stored);
  return made;
}

const Item* LazyItem::get() const {
  if (!there_) return nullptr;
  if (!item_) item_ = copy();
  return &*item_;
}

std::optional<Item> LazyItem::copy() const {
  if (!there_ || item_) return item_;
  auto decoded = decode_item(stored_);
  CHECK(decoded.has_value());
  return *std::move(decoded);
}

std::optional<Scalar> LazyItem::find(const std::string& name) const {
  if (!there_) return std::nullopt;
  return item_ ? find_scalar(*item_, name) : find_stored(stored_, name);
}

std::string LazyItem::stored() const {
  CHECK(there_);
  return stored_.empty() ? encode_item(*item_, bytes_) : stored_;
}

}  // namespace tables
