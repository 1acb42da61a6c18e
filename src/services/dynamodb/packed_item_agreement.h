#pragma once

// What has to be true of packing an item, whatever the item is. For the test and the fuzzer.

#include <algorithm>

#include "base/check.h"
#include "services/dynamodb/packed_item.h"
#include "wire/json_codec.h"

namespace services::dynamodb {

// What is packed is what would be stored of the item if it were read as any other map is. Answers
// whether it was packed.
inline bool packs_as_it_is_read(std::string_view item_json) {
  const std::string body = "{\"Item\":" + std::string(item_json) + "}";
  d::PutRequest packed, plain;
  const auto decode = [&](d::PutRequest& into, const wire::JsonPacking& packing) {
    return wire::decode_json(body, d::kPutRequestShape, &into, wire::JsonFlavour::kDynamo, packing)
        .has_value();
  };
  const bool is_json = decode(plain, {});
  CHECK(decode(packed, item_packing()) == is_json);
  if (!is_json || !packed.item || !packed.item->is_packed()) return false;
  const auto first = read_item(*std::move(packed.item));
  const auto second = read_item(*std::move(plain.item));
  CHECK(first && second);
  CHECK(first->stored() == second->stored());
  CHECK(first->bytes() == second->bytes());
  CHECK(std::ranges::none_of(**second, tables::nests_too_deep, &tables::Item::value_type::second));
  return true;
}

}  // namespace services::dynamodb
