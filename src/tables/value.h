#pragma once

// Value and Item: what a table stores, and what can be done with a value. Pure, thread-safe.
//
// A Value inside this module is well formed: exactly one type, numbers written AWS's one way, sets
// not empty and without duplicates. normalise() makes sure of it at the door.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/dynamodb/types.h"
#include "api/error.h"

namespace tables {

// What AWS says of an attribute without a name.
inline constexpr std::string_view kEmptyName = "Empty attribute name";

using Value = api::dynamodb::AttributeValue;
using Item = std::map<std::string, Value>;
using Type = Value::Member;

inline constexpr std::size_t kItemBytesMax = 400 * 1024;
inline constexpr int kNestingMax = 32;
inline constexpr std::size_t kAttributeNameBytesMax = 65'535;

// "S", "NULL", ...
std::string_view type_name(Type type);
std::optional<Type> type_of_name(std::string_view name);
inline std::string_view type_name(const Value& value) { return type_name(value.member()); }

// Checks a value from outside and writes its numbers AWS's way. The answer is AWS's text for what
// is wrong, or nothing.
std::optional<std::string> normalise(Value& value);
std::optional<std::string> normalise(Item& item);

// The same of a number's text. A plain one is written AWS's way already.
std::optional<std::string> normalise_number(std::string& text);
bool is_plain_number(std::string_view text);

// Bytes as AWS counts them towards the 400 KB of an item and towards capacity.
std::size_t value_size(const Value& value);
std::size_t number_size(std::string_view number);  // a well-formed one
std::size_t item_size(const Item& item);
// What AWS's store needs for an attribute beyond its name and value_size(): names shrink to a byte,
// values have their lengths. May be negative.
std::ptrdiff_t storage_overhead(std::string_view name, const Value& value);
std::ptrdiff_t text_length_bytes(std::size_t size);  // that part of it which is a string's length
// True if some attribute nests deeper than AWS takes.
bool nests_too_deep(const Value& value);

// Sets compare without order.
bool equal(const Value& a, const Value& b);
bool equal(const Item& a, const Item& b);
// S, N and B of the same type have an order; everything else has none.
std::optional<std::strong_ordering> compare(const Value& a, const Value& b);
// String, binary: substring; set: element; list: member.
bool contains(const Value& container, const Value& part);
// Characters of a string, bytes of a binary, elements of a set, list or map; nullopt: has no size.
std::optional<std::size_t> size_of(const Value& value);

// Union and difference of two sets of one type; the difference may be empty.
Value set_union(const Value& a, const Value& b);
Value set_difference(const Value& a, const Value& b);
bool is_set(const Value& value);

// "{S:text}", as AWS shows a value in an error.
std::string describe(const Value& value);

// ValidationException, HTTP 400.
api::Error validation(std::string message);
// "One or more parameter values were invalid: " + what.
api::Error invalid_parameter(std::string_view what);
std::unexpected<api::Error> refuse(std::string message);

}  // namespace tables
