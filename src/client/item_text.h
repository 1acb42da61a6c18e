#pragma once

// Items of tables as text for a person: cells, tables, JSON of either kind, what a change changed.
// Pure.

#include <string>
#include <vector>

#include "api/dynamodb/types.h"
#include "client/text_table.h"

namespace client {

using Value = api::dynamodb::AttributeValue;
using Item = std::map<std::string, Value>;

inline constexpr std::size_t kCellCharactersMax = 60;

// Strings as they are (what steers terminals escaped), numbers, true, null, "base64:...", {a, b}
// for sets, plain JSON for lists and maps.
std::string value_text(const Value& value);
std::string type_text(const Value& value);  // "string", "number set", ...

struct ItemTableStyle {
  DrawStyle draw;
  bool whole = false;                // all columns, values uncut
  std::vector<std::string> columns;  // these and no others; empty: keys, then the most frequent
};
// A row for each item. Columns that do not fit are named below.
std::string items_table(const std::vector<Item>& items, const std::vector<std::string>& keys,
                        const ItemTableStyle& style);
// A row for each attribute, keys first.
std::string item_table(const Item& item, const std::vector<std::string>& keys,
                       const ItemTableStyle& style);

// {"name":"a","n":1}: sets are arrays, binaries base64, numbers as they are written.
std::string plain_json(const Item& item);
// {"name":{"S":"a"},"n":{"N":"1"}}
std::string typed_json(const Item& item);

// The same value: numbers by what they are worth ("1.0" is "1"), others as they are written.
bool same_key(const Value& a, const Value& b);

}  // namespace client
