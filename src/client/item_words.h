#pragma once

// What a person types, as keys, key conditions and filters of DynamoDB. Pure. kInvalidArgument says
// what was expected.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/item_text.h"

namespace client {

struct KeyNames {
  std::string hash;
  std::string range;  // empty: there is none
  std::vector<std::string> all() const;
};

// Types ("S", "N", "B") of the attributes that are keys somewhere in the table.
using KeyTypes = std::map<std::string, std::string>;

// nullopt: no such index (a table's own keys: an empty index). Keys of several attributes are told
// by an error.
base::Result<std::optional<KeyNames>> key_names(const api::dynamodb::TableDescription& table,
                                                const std::string& index);
KeyTypes key_types(const api::dynamodb::TableDescription& table);

// Strings as they are, numbers, binaries in base64.
base::Result<Value> key_value(const KeyTypes& types, const std::string& name,
                              const std::string& text);
// Without a type to hold to: 12 is a number, true, false and null are what they are in JSON, "12"
// in quotes and all else is a string.
Value guessed_value(const std::string& text);

// An expression and what its placeholders stand for.
struct Words {
  std::string expression;
  std::map<std::string, std::string> names;
  Item values;
};

// "name=value" (and != < <= > >=, ^= begins with, ~= contains), "name" (is there), "!name" (is
// not), all of them together. Names are paths: a.b[0]. Types of keys hold.
base::Result<Words> filter_words(const std::vector<std::string>& wheres, const KeyTypes& types);

struct RangeWords {
  std::optional<std::string> equals, begins, from, to;
};
base::Result<Words> key_words(const KeyNames& keys, const KeyTypes& types, const std::string& hash,
                              const RangeWords& range);

}  // namespace client
