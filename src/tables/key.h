#pragma once

// Keys: schemas, their checks with AWS's texts, and the bytes that order items in the store. Pure.
//
// Encoded key values sort as their values do (numbers by magnitude, strings and binaries by bytes)
// and none is the prefix of another, so a whole key is the concatenation of its parts.
// See docs/formats/tables.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tables/value.h"

namespace tables {

class LazyItem;

// An attribute as keys look at it.
struct Scalar {
  Type type = Type::kNone;
  std::string_view text;  // of S, N and B
};
// The item's attribute of that name; good as long as the item is.
std::optional<Scalar> find_scalar(const Item& item, const std::string& name);
std::optional<Scalar> find_scalar(const LazyItem& item, const std::string& name);

inline constexpr std::size_t kHashKeyBytesMax = 2048;
inline constexpr std::size_t kRangeKeyBytesMax = 1024;

struct KeyAttribute {
  std::string name;
  Type type = Type::kS;  // kS, kN or kB
  bool operator==(const KeyAttribute&) const = default;
};

// A partition key of up to four attributes of each kind: a table and a local index have one of
// each, a global index may have more.
inline constexpr std::size_t kKeyAttributesMax = 4;

struct KeySchema {
  KeyAttribute hash;
  std::optional<KeyAttribute> range;
  std::vector<KeyAttribute> more_hash = {};   // after `hash`
  std::vector<KeyAttribute> more_range = {};  // after `range`, which is set then

  bool has(std::string_view attribute) const {
    return each([&](const KeyAttribute& one, bool) { return one.name == attribute; });
  }
  std::size_t size() const { return 1 + more_hash.size() + (range ? 1 : 0) + more_range.size(); }
  bool is_composite() const { return !more_hash.empty() || !more_range.empty(); }
  // Calls check(attribute, is_hash) in the schema's order until it answers something; answers that.
  template <class Check>
  auto each(const Check& check) const -> decltype(check(hash, true)) {
    if (auto found = check(hash, true)) return found;
    for (const KeyAttribute& one : more_hash)
      if (auto found = check(one, true)) return found;
    if (range) {
      if (auto found = check(*range, false)) return found;
    }
    for (const KeyAttribute& one : more_range)
      if (auto found = check(one, false)) return found;
    return {};
  }
  bool operator==(const KeySchema&) const = default;
};

// Appends the value's ordered form. The value is an S, N or B.
void append_key_value(std::string& out, const Scalar& value);
void append_key_value(std::string& out, const Value& value);
// The start that all strings or binaries beginning with `prefix` have in common.
void append_key_prefix(std::string& out, std::string_view prefix);

// Spreads partitions: the first 16 bits of a key in the store, and what segments of a scan divide.
std::uint16_t partition_hash(std::string_view encoded_hash_key);

// What identifies an item within its table (or an entry's place in an index): the partition's hash,
// the hash key, the range key.
std::string encode_key(const KeySchema& schema, const Item& item);
void append_key(std::string& out, const KeySchema& schema, const Item& item);
void append_key(std::string& out, const KeySchema& schema, const LazyItem& item);
// The common start of a partition's keys; `item` has at least the hash attributes.
std::string encode_partition(const KeySchema& schema, const Item& item);

// The key attributes of an item.
Item key_of(const KeySchema& schema, const Item& item);

// Bytes that an item takes in AWS's store, as a page's 1 MB is counted there: names count for one
// byte, and the range key once for every 3 KB. `bytes` is its item_size().
std::size_t stored_size(const KeySchema& schema, const Item& item, std::size_t bytes);
// The same of the range key's value and of all the rest, with its overhead.
std::size_t stored_size(std::size_t rest, std::size_t range);

// The Key parameter of a request: exactly the schema's attributes, of its types and sizes.
std::optional<api::Error> check_key(const KeySchema& schema, const Item& key);
// The key attributes within an item that is to be put.
std::optional<api::Error> check_item_key(const KeySchema& schema, const Item& item);
std::optional<api::Error> check_item_key(const KeySchema& schema, const LazyItem& item);

}  // namespace tables
