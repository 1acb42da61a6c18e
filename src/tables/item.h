#pragma once

// The byte form of an item in the store. Pure. See docs/formats/tables.md.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/value.h"

namespace tables {

// `bytes`: how long it will be, roughly.
std::string encode_item(const Item& item, std::size_t bytes = 100);
// Corruption if the bytes are no item of a version we know.
base::Result<Item> decode_item(std::string_view bytes);

}  // namespace tables
