#include "services/dynamodb/schema.h"

#include <algorithm>
#include <set>

#include "services/dynamodb/key_schema.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Index;
using tables::invalid_parameter;
using tables::validation;
using Wrong = std::optional<api::Error>;

constexpr std::size_t kIncludedMax = 20;

constexpr std::int64_t kUnitsMax = 1'000'000'000'000;

tables::Throughput units_of(const std::optional<d::ProvisionedThroughput>& from) {
  tables::Throughput made;
  if (from) {
    made.read = from->read_capacity_units.value_or(0);
    made.write = from->write_capacity_units.value_or(0);
  }
  return made;
}

api::Outcome<tables::Projection> read_projection(const d::Projection& given) {
  tables::Projection made;
  if (!given.projection_type)
    return std::unexpected(invalid_parameter("Unknown ProjectionType: null"));
  const std::string& type = *given.projection_type;
  if (given.non_key_attributes && type != "INCLUDE")
    return std::unexpected(
        invalid_parameter("ProjectionType is " + type + ", but NonKeyAttributes is specified"));
  if (type == "KEYS_ONLY") made.kind = tables::Projection::Kind::kKeysOnly;
  if (type == "INCLUDE") {
    made.kind = tables::Projection::Kind::kInclude;
    if (!given.non_key_attributes)
      return std::unexpected(
          invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"));
    made.attributes = *given.non_key_attributes;
    if (made.attributes.size() > kIncludedMax)
      return std::unexpected(invalid_parameter("NonKeyAttributes count exceeds the limit of " +
                                               std::to_string(kIncludedMax)));
    std::set<std::string> seen;
    for (const auto& name : made.attributes) {
      if (!seen.insert(name).second)
        return std::unexpected(invalid_parameter("Duplicate element in NonKeyAttributes: " + name));
    }
  }
  return made;
}

// What local and global indexes have in common.
template <class Given>
api::Outcome<Index> read_index(const Given& given, const Definition& table, bool global) {
  Index made;
  made.name = given.index_name.value_or("");
  if (!has_name_characters(made.name))
    return tables::refuse("1 validation error detected: Value '" + made.name +
                          "' at 'indexName' failed to satisfy constraint: Member must satisfy "
                          "regular expression pattern: [a-zA-Z0-9_.-]+");
  if (auto wrong = check_defined(*given.key_schema, table.attributes))
    return std::unexpected(*std::move(wrong));
  if (auto wrong =
          global ? check_global_key_types(*given.key_schema) : check_key_types(*given.key_schema))
    return std::unexpected(*std::move(wrong));
  made.keys = schema_of(*given.key_schema, table.attributes);
  return made;
}

Wrong add_index(Definition& table, Index index) {
  if (table.find_index(index.name) != nullptr)
    return invalid_parameter("Duplicate index name: " + index.name);
  table.indexes.push_back(std::move(index));
  return std::nullopt;
}

Wrong read_local(Definition& table, const std::optional<std::vector<d::LocalSecondaryIndex>>& all) {
  if (!all) return std::nullopt;
  for (const auto& given : *all) {
    auto index = read_index(given, table, false);
    if (!index) return std::move(index).error();
    if (!index->keys.range)
      return invalid_parameter("Index KeySchema does not have a range key for index: " +
                               index->name);
    if (index->keys.hash.name != table.keys.hash.name)
      return invalid_parameter(
          "Index KeySchema does not have the same leading hash key as table KeySchema for index: " +
          index->name + ". index hash key: " + index->keys.hash.name +
          ", table hash key: " + table.keys.hash.name);
    auto projection = read_projection(*given.projection);
    if (!projection) return std::move(projection).error();
    index->projection = *std::move(projection);
    if (auto wrong = add_index(table, *std::move(index))) return wrong;
  }
  if (all->size() > tables::kLocalIndexesMax)
    return invalid_parameter("Number of LocalSecondaryIndexes exceeds per-table limit of 5");
  return std::nullopt;
}

// A global index of CreateTable or UpdateTable, but for its throughput.
template <class Given>
api::Outcome<Index> read_global_shape(const Definition& table, const Given& given) {
  auto index = read_index(given, table, true);
  if (!index) return std::unexpected(std::move(index).error());
  auto projection = read_projection(*given.projection);
  if (!projection) return std::unexpected(std::move(projection).error());
  index->projection = *std::move(projection);
  index->global = true;
  index->throughput = units_of(given.provisioned_throughput);
  return index;
}

// With its throughput, which has to fit the table's mode.
template <class Given>
Wrong add_global(Definition& table, Index index, const Given& given) {
  if (auto wrong =
          read_index_settings(table, index, given.on_demand_throughput, given.warm_throughput))
    return wrong;
  return add_index(table, std::move(index));
}

Wrong read_global(Definition& table, const d::GlobalSecondaryIndex& given) {
  auto index = read_global_shape(table, given);
  if (!index) return std::move(index).error();
  if (table.on_demand && given.provisioned_throughput)
    return invalid_parameter("ProvisionedThroughput should not be specified for index: " +
                             index->name + " when BillingMode is PAY_PER_REQUEST");
  if (!table.on_demand && !given.provisioned_throughput)
    return invalid_parameter("ProvisionedThroughput is not specified for index: " + index->name);
  return add_global(table, *std::move(index), given);
}

Wrong read_globals(Definition& table,
                   const std::optional<std::vector<d::GlobalSecondaryIndex>>& all) {
  if (!all) return std::nullopt;
  for (const auto& given : *all) {
    if (auto wrong = read_global(table, given)) return wrong;
  }
  if (all->size() > tables::kGlobalIndexesMax)
    return invalid_parameter("GlobalSecondaryIndex count exceeds the per-table limit of 20");
  return std::nullopt;
}

// Every attribute defined is a key of something.
Wrong check_all_used(const Definition& table, const d::CreateTableInput& input) {
  std::set<std::string> used;
  const auto add = [&](const KeyElements& keys) {
    for (const auto& key : keys) used.insert(key.attribute_name.value_or(""));
  };
  add(*input.key_schema);
  const auto add_all = [&](const auto& indexes) {
    if (!indexes) return;
    for (const auto& index : *indexes) add(*index.key_schema);
  };
  add_all(input.local_secondary_indexes);
  add_all(input.global_secondary_indexes);
  if (std::ranges::all_of(table.attributes,
                          [&](const auto& attribute) { return used.contains(attribute.name); }))
    return std::nullopt;
  if (!input.local_secondary_indexes && !input.global_secondary_indexes)
    return invalid_parameter(
        "Number of attributes in KeySchema does not exactly match number of attributes defined in "
        "AttributeDefinitions");
  std::vector<std::string> defined;
  for (const auto& one : table.attributes) defined.push_back(one.name);
  return invalid_parameter("Some AttributeDefinitions are not used. AttributeDefinitions: [" +
                           joined(defined) + "], keys used: [" +
                           joined({used.begin(), used.end()}) + "]");
}

// What is said of the lists of indexes, and of their keys, before all else about indexes.
Wrong check_lists(const Definition& table, const d::CreateTableInput& input) {
  const auto& local = input.local_secondary_indexes;
  if (local && local->empty()) return invalid_parameter("List of LocalSecondaryIndexes is empty");
  const auto& global = input.global_secondary_indexes;
  if (global && global->empty())
    return invalid_parameter("List of GlobalSecondaryIndexes is empty");
  if (local && !table.keys.range)
    return invalid_parameter(
        "Table KeySchema does not have a range key, which is required when specifying a "
        "LocalSecondaryIndex");
  const auto check_keys = [&](const auto& indexes, auto check) -> Wrong {
    if (!indexes) return std::nullopt;
    for (const auto& index : *indexes) {
      if (auto wrong = check_defined(*index.key_schema, table.attributes)) return wrong;
      if (auto wrong = check(*index.key_schema)) return wrong;
    }
    return std::nullopt;
  };
  if (auto wrong = check_keys(local, check_key_types)) return wrong;
  return check_keys(global, check_global_key_types);
}

}  // namespace

Wrong check_units(const std::optional<d::ProvisionedThroughput>& throughput, bool on_demand) {
  if (on_demand) {
    if (!throughput) return std::nullopt;
    return invalid_parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        "PAY_PER_REQUEST");
  }
  if (!throughput || !throughput->read_capacity_units || !throughput->write_capacity_units)
    return invalid_parameter(
        "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
        "PROVISIONED");
  const auto bounds = [](std::int64_t value, const char* what) -> Wrong {
    if (value <= kUnitsMax) return std::nullopt;
    return validation("Given value " + std::to_string(value) + " for " + what +
                      " is out of bounds");
  };
  if (auto wrong = bounds(*throughput->read_capacity_units, "ReadCapacityUnits")) return wrong;
  return bounds(*throughput->write_capacity_units, "WriteCapacityUnits");
}

Wrong check_table_class(const std::optional<std::string>& wanted) {
  if (!wanted || *wanted == "STANDARD" || *wanted == "STANDARD_INFREQUENT_ACCESS")
    return std::nullopt;
  return validation(
      "Invalid table-class parameter provided. Please try again with a valid table-class value: "
      "[STANDARD, STANDARD_INFREQUENT_ACCESS].");
}

Wrong read_new_index(Definition& table, const d::CreateGlobalSecondaryIndexAction& given) {
  auto index = read_global_shape(table, given);
  if (!index) return std::move(index).error();
  if (table.on_demand && given.provisioned_throughput)
    return invalid_parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: " +
        index->name + " when BillingMode is PAY_PER_REQUEST");
  if (!table.on_demand && !given.provisioned_throughput)
    return invalid_parameter(
        "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: " +
        index->name);
  return add_global(table, *std::move(index), given);
}

api::Outcome<Definition> read_definition(const tables::TableName& name,
                                         const d::CreateTableInput& input, base::Timestamp now) {
  Definition made;
  made.account = name.account;
  made.region = name.region;
  made.name = name.name;
  made.on_demand = input.billing_mode == "PAY_PER_REQUEST";
  const auto check = [&]() -> Wrong {
    if (!input.key_schema || input.key_schema->empty())
      return validation("One or more parameter values were invalid: KeySchema must be specified");
    if (auto wrong = check_table_key_count(*input.key_schema)) return wrong;
    if (auto wrong = check_units(input.provisioned_throughput, made.on_demand)) return wrong;
    made.throughput = units_of(input.provisioned_throughput);
    auto attributes = read_attributes(input.attribute_definitions);
    if (!attributes) return std::move(attributes).error();
    made.attributes = *std::move(attributes);
    if (input.key_schema->size() > made.attributes.size())
      return validation("Invalid KeySchema: Some index key attribute have no definition");
    if (auto wrong = check_defined(*input.key_schema, made.attributes)) return wrong;
    if (auto wrong = check_key_types(*input.key_schema)) return wrong;
    made.keys = schema_of(*input.key_schema, made.attributes);
    if (auto wrong = check_lists(made, input)) return wrong;
    if (auto wrong = check_all_used(made, input)) return wrong;
    if (auto wrong = read_local(made, input.local_secondary_indexes)) return wrong;
    if (auto wrong = read_globals(made, input.global_secondary_indexes)) return wrong;
    if (input.tags) {
      if (auto wrong = check_tags(*input.tags)) return wrong;
    }
    if (auto wrong = check_table_class(input.table_class)) return wrong;
    if (auto wrong = read_stream(made, input.stream_specification)) return wrong;
    return read_settings(made, input);
  };
  if (auto wrong = check()) return std::unexpected(*std::move(wrong));
  if (made.on_demand) made.on_demand_since = now;
  if (!made.policy.empty()) made.policy.revision = std::to_string(base::to_epoch_ms(now));
  made.table_class = input.table_class.value_or("");
  made.deletion_protection = input.deletion_protection_enabled.value_or(false);
  if (input.tags) {
    for (const auto& tag : *input.tags) made.tags[*tag.key] = tag.value.value_or("");
  }
  return made;
}

}  // namespace services::dynamodb
