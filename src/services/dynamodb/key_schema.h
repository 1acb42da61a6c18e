#pragma once

// Key schemas and attribute definitions of CreateTable and UpdateTable: what is wrong with them,
// in AWS's words, and what they come to. Pure functions; thread-safe.

#include <optional>
#include <string>
#include <vector>

#include "services/dynamodb/common.h"

namespace services::dynamodb {

using KeyElements = std::vector<d::KeySchemaElement>;
using KeyAttributes = std::vector<tables::KeyAttribute>;

std::string joined(const std::vector<std::string>& names);  // "a, b"
const tables::KeyAttribute* find_attribute(const KeyAttributes& attributes,
                                           const std::string& name);

// The definitions; two of one name are refused.
api::Outcome<KeyAttributes> read_attributes(
    const std::optional<std::vector<d::AttributeDefinition>>& given);

// Every key is among the definitions.
std::optional<api::Error> check_defined(const KeyElements& keys, const KeyAttributes& attributes);
std::optional<api::Error> check_table_key_count(const KeyElements& keys);
// Tables and local indexes: HASH, or HASH and RANGE.
std::optional<api::Error> check_key_types(const KeyElements& keys);
// Global indexes: up to four attributes of each kind, HASH first.
std::optional<api::Error> check_global_key_types(const KeyElements& keys);

// Of keys that passed the checks.
tables::KeySchema schema_of(const KeyElements& keys, const KeyAttributes& attributes);

}  // namespace services::dynamodb
