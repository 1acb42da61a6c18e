#pragma once

// Items from the JSON of a request to their stored form, without Values in between. Internal.

#include "services/dynamodb/common.h"
#include "tables/lazy_item.h"
#include "wire/packing.h"

namespace services::dynamodb {

using PackedItem = api::Packed<tables::Item>;

// What is plain: without duplicates, of one type each, not nested deeply. All else is left alone.
wire::JsonPacking item_packing();

// The item of a request that puts one, normalised; AWS's ValidationException for what is wrong.
api::Outcome<tables::LazyItem> read_item(PackedItem given);

}  // namespace services::dynamodb
