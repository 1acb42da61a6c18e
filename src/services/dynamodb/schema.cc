#include "services/dynamodb/schema.h"

#include <algorithm>
#include <set>

#include "api/dynamodb/errors.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Index;
using tables::invalid_parameter;
using tables::validation;
using Wrong = std::optional<api::Error>;

constexpr std::int64_t kUnitsMax = 1'000'000'000'000;
constexpr std::size_t kIncludedMax = 20;
constexpr std::size_t kTagsMax = 50;

std::vector<std::string> names_of(const std::vector<d::KeySchemaElement>& keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(key.attribute_name.value_or(""));
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const tables::KeyAttribute* find_attribute(const std::vector<tables::KeyAttribute>& attributes,
                                           const std::string& name) {
  const auto found = std::ranges::find(attributes, name, &tables::KeyAttribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

Wrong check_defined(const std::vector<d::KeySchemaElement>& keys,
                    const std::vector<tables::KeyAttribute>& attributes) {
  const auto names = names_of(keys);
  for (const auto& name : names) {
    if (find_attribute(attributes, name) != nullptr) continue;
    std::vector<std::string> defined;
    for (const auto& attribute : attributes) defined.push_back(attribute.name);
    return invalid_parameter(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [" +
        joined(names) + "], AttributeDefinitions: [" + joined(defined) + "]");
  }
  return std::nullopt;
}

Wrong check_table_key_count(const std::vector<d::KeySchemaElement>& keys) {
  if (keys.size() <= 2) return std::nullopt;
  std::vector<std::string> shown(keys.size(),
                                 "com.amazonaws.dynamodb.v20120810.KeySchemaElement@c965e310");
  return validation("1 validation error detected: Value '[" + joined(shown) +
                    "]' at 'keySchema' failed to satisfy constraint: Member must have length less "
                    "than or equal to 2");
}

Wrong check_key_types(const std::vector<d::KeySchemaElement>& keys) {
  if (keys.size() > 2)
    return validation(
        "Invalid KeySchema: a table and a local secondary index have at most 2 key "
        "attributes, one HASH and one RANGE");
  if (keys.size() > 1 && keys[0].attribute_name == keys[1].attribute_name)
    return validation(
        "Both the Hash Key and the Range Key element in the KeySchema have the same name");
  if (keys[0].key_type != "HASH")
    return validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  if (keys.size() > 1 && keys[1].key_type != "RANGE")
    return validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  return std::nullopt;
}

// Global indexes: up to four attributes of each kind.
Wrong check_global_key_types(const std::vector<d::KeySchemaElement>& keys) {
  std::set<std::string> names;
  for (const auto& key : keys) {
    if (!names.insert(key.attribute_name.value_or("")).second)
      return keys.size() == 2
                 ? check_key_types(keys)
                 : validation("Invalid KeySchema: several key attributes have the same name: " +
                              key.attribute_name.value_or(""));
  }
  if (keys[0].key_type != "HASH") return check_key_types({keys[0]});
  std::size_t hashes = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].key_type != "HASH") continue;
    if (hashes++ != i)
      return validation("Invalid KeySchema: HASH key attributes must precede RANGE key attributes");
  }
  if (hashes > tables::kKeyAttributesMax)
    return validation("Invalid KeySchema: at most 4 HASH key attributes are supported");
  if (keys.size() - hashes > tables::kKeyAttributesMax)
    return validation("Invalid KeySchema: at most 4 RANGE key attributes are supported");
  return std::nullopt;
}

tables::KeySchema schema_of(const std::vector<d::KeySchemaElement>& keys,
                            const std::vector<tables::KeyAttribute>& attributes) {
  tables::KeySchema schema;
  schema.hash = *find_attribute(attributes, *keys[0].attribute_name);
  for (std::size_t i = 1; i < keys.size(); ++i) {
    const auto& attribute = *find_attribute(attributes, *keys[i].attribute_name);
    if (keys[i].key_type == "HASH") schema.more_hash.push_back(attribute);
    else if (!schema.range) schema.range = attribute;
    else schema.more_range.push_back(attribute);
  }
  return schema;
}

api::Outcome<std::vector<tables::KeyAttribute>> read_attributes(
    const std::optional<std::vector<d::AttributeDefinition>>& given) {
  std::vector<tables::KeyAttribute> attributes;
  if (!given) return attributes;
  for (const auto& one : *given) {
    const auto type = tables::type_of_name(one.attribute_type.value_or("S"));
    tables::KeyAttribute made{one.attribute_name.value_or(""), type.value_or(tables::Type::kS)};
    if (find_attribute(attributes, made.name) != nullptr) {
      return std::unexpected(
          invalid_parameter("Duplicate AttributeName in AttributeDefinitions: " + made.name));
    }
    attributes.push_back(std::move(made));
  }
  return attributes;
}

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
        return std::unexpected(invalid_parameter("Duplicate NonKeyAttribute: " + name));
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
  if (all->empty()) return invalid_parameter("List of LocalSecondaryIndexes is empty");
  if (!table.keys.range)
    return invalid_parameter(
        "Table KeySchema does not have a range key, which is required when specifying a "
        "LocalSecondaryIndex");
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

// A global index of CreateTable or UpdateTable.
template <class Given>
Wrong read_global(Definition& table, const Given& given) {
  auto index = read_index(given, table, true);
  if (!index) return std::move(index).error();
  auto projection = read_projection(*given.projection);
  if (!projection) return std::move(projection).error();
  index->projection = *std::move(projection);
  index->global = true;
  if (table.on_demand && given.provisioned_throughput)
    return invalid_parameter("ProvisionedThroughput should not be specified for index: " +
                             index->name + " when BillingMode is PAY_PER_REQUEST");
  if (!table.on_demand && !given.provisioned_throughput)
    return invalid_parameter("ProvisionedThroughput must be specified for index: " + index->name);
  index->throughput = units_of(given.provisioned_throughput);
  if (auto wrong =
          read_index_settings(table, *index, given.on_demand_throughput, given.warm_throughput))
    return wrong;
  return add_index(table, *std::move(index));
}

Wrong read_globals(Definition& table,
                   const std::optional<std::vector<d::GlobalSecondaryIndex>>& all) {
  if (!all) return std::nullopt;
  if (all->empty()) return invalid_parameter("List of GlobalSecondaryIndexes is empty");
  for (const auto& given : *all) {
    if (auto wrong = read_global(table, given)) return wrong;
  }
  if (all->size() > tables::kGlobalIndexesMax)
    return invalid_parameter("GlobalSecondaryIndex count exceeds the per-table limit of 20");
  return std::nullopt;
}

// Every attribute defined is a key of something.
Wrong check_all_used(const Definition& table) {
  for (const auto& attribute : table.attributes) {
    bool used = table.keys.has(attribute.name);
    for (const Index& index : table.indexes) used = used || index.keys.has(attribute.name);
    if (used) continue;
    if (table.indexes.empty())
      return invalid_parameter(
          "Number of attributes in KeySchema does not exactly match number of attributes defined "
          "in "
          "AttributeDefinitions");
    std::vector<std::string> defined;
    for (const auto& one : table.attributes) defined.push_back(one.name);
    std::set<std::string> keys;
    const auto add = [&](const tables::KeyAttribute& key, bool) {
      keys.insert(key.name);
      return false;
    };
    table.keys.each(add);
    for (const Index& index : table.indexes) index.keys.each(add);
    return invalid_parameter("Some AttributeDefinitions are not used. AttributeDefinitions: [" +
                             joined(defined) + "], keys used: [" +
                             joined({keys.begin(), keys.end()}) + "]");
  }
  return std::nullopt;
}

// Letters and digits of all languages, which are not told apart here.
bool has_tag_characters(std::string_view text) {
  constexpr std::string_view kOthers = " +-=._:/@";
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (static_cast<unsigned char>(c) & 0x80U) != 0 ||
           kOthers.find(c) != std::string_view::npos;
  });
}

}  // namespace

std::optional<api::Error> check_tags(const std::vector<d::Tag>& tags) {
  std::set<std::string> seen;
  for (const auto& tag : tags) {
    for (const std::string& text : {tag.key.value_or(""), tag.value.value_or("")}) {
      if (!has_tag_characters(text))
        return invalid_parameter(
            "Tag keys and values can only contain letters, spaces, numbers and "
            "the characters + - = . _ : / @");
    }
    if (tag.key.value_or("").starts_with("aws:"))
      return invalid_parameter("Tag keys must not start with aws:");
    if (!seen.insert(tag.key.value_or("")).second)
      return invalid_parameter("Duplicate tag key: " + tag.key.value_or(""));
  }
  if (seen.size() > kTagsMax)
    return validation("One or more parameter values were invalid: Too many tags: the limit is 50");
  return std::nullopt;
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
    if (!input.local_secondary_indexes && !input.global_secondary_indexes) {
      if (auto wrong = check_all_used(made)) return wrong;
    }
    if (auto wrong = read_local(made, input.local_secondary_indexes)) return wrong;
    if (auto wrong = read_globals(made, input.global_secondary_indexes)) return wrong;
    if (auto wrong = check_all_used(made)) return wrong;
    if (input.tags) {
      if (auto wrong = check_tags(*input.tags)) return wrong;
    }
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

std::optional<api::Error> check_update(const d::UpdateTableInput& input) {
  const bool indexes =
      input.global_secondary_index_updates && !input.global_secondary_index_updates->empty();
  if (!input.provisioned_throughput && !input.billing_mode && !indexes &&
      !input.sse_specification && !input.stream_specification && !input.table_class &&
      !input.deletion_protection_enabled && !input.on_demand_throughput && !input.replica_updates &&
      !input.warm_throughput)
    return validation(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
  if (input.billing_mode == "PROVISIONED" && !input.provisioned_throughput)
    return invalid_parameter(
        "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
  if (input.provisioned_throughput && input.billing_mode != "PAY_PER_REQUEST") {
    if (auto wrong = check_units(input.provisioned_throughput, false)) return wrong;
  }
  if (input.replica_updates) return validation("ReplicaUpdates are not served by Millrace");
  if (auto wrong = check_alone(input)) return wrong;
  if (!indexes) return std::nullopt;
  std::set<std::string> seen;
  for (const auto& update : *input.global_secondary_index_updates) {
    const int actions = int(update.update.has_value()) + int(update.create.has_value()) +
                        int(update.delete_.has_value());
    if (actions == 0)
      return invalid_parameter(
          "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
          "GlobalSecondaryIndexUpdate.Delete must not be null");
    if (actions > 1)
      return invalid_parameter(
          "Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
          "GlobalSecondaryIndexUpdate.Delete may be given");
    const std::string name = *(update.update   ? update.update->index_name
                               : update.create ? update.create->index_name
                                               : update.delete_->index_name);
    if (!seen.insert(name).second)
      return invalid_parameter(
          "Only one global secondary index update per index is allowed simultaneously. Index: " +
          name);
  }
  return std::nullopt;
}

namespace {

// Units of the table or of an index; `what` as the error names it.
Wrong change_units(tables::Throughput& now_there, const d::ProvisionedThroughput& wanted,
                   const std::string& what, bool may_stay, base::Timestamp now) {
  const std::int64_t read = wanted.read_capacity_units.value_or(0);
  const std::int64_t write = wanted.write_capacity_units.value_or(0);
  if (!may_stay && read == now_there.read && write == now_there.write)
    return validation(
        "The provisioned throughput for the " + what +
        " will not change. The requested value equals the current value. Current ReadCapacityUnits "
        "provisioned for the " +
        what + ": " + std::to_string(now_there.read) + ". Requested ReadCapacityUnits: " +
        std::to_string(read) + ". Current WriteCapacityUnits provisioned for the " + what + ": " +
        std::to_string(now_there.write) +
        ". Requested WriteCapacityUnits: " + std::to_string(write) +
        ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request "
        "higher limits.");
  if (read > now_there.read || write > now_there.write) now_there.last_increase = now;
  if (read < now_there.read || write < now_there.write) {
    now_there.last_decrease = now;
    ++now_there.decreases_today;
  }
  now_there.read = read;
  now_there.write = write;
  return std::nullopt;
}

Wrong change_billing(Definition& table, const d::UpdateTableInput& input, base::Timestamp now) {
  const bool was_on_demand = table.on_demand;
  if (input.billing_mode) table.on_demand = *input.billing_mode == "PAY_PER_REQUEST";
  if (table.on_demand && input.provisioned_throughput)
    return invalid_parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        "PAY_PER_REQUEST");
  if (table.on_demand && !was_on_demand) {
    table.on_demand_since = now;
    table.throughput.read = table.throughput.write = 0;
    for (Index& index : table.indexes) index.throughput.read = index.throughput.write = 0;
  }
  if (input.provisioned_throughput)
    return change_units(table.throughput, *input.provisioned_throughput, "table", was_on_demand,
                        now);
  return std::nullopt;
}

// A new index's keys are defined by the request itself, also where the table knows them.
Wrong check_defined_anew(const d::UpdateTableInput& input,
                         const d::CreateGlobalSecondaryIndexAction& create) {
  auto given = read_attributes(input.attribute_definitions);
  if (!given) return std::move(given).error();
  return check_defined(*create.key_schema, *given);
}

Wrong change_index(Definition& table, const d::UpdateTableInput& input,
                   const d::GlobalSecondaryIndexUpdate& update, base::Timestamp now) {
  if (update.create) {
    if (table.find_index(*update.create->index_name) != nullptr)
      return validation("Attempting to create an index which already exists: " +
                        *update.create->index_name);
    const auto globals = std::ranges::count(table.indexes, true, &Index::global);
    if (static_cast<std::size_t>(globals) >= tables::kGlobalIndexesMax)
      return invalid_parameter("GlobalSecondaryIndex count exceeds the per-table limit of 20");
    if (auto wrong = check_defined_anew(input, *update.create)) return wrong;
    return read_global(table, *update.create);
  }
  const std::string& name =
      *(update.update ? update.update->index_name : update.delete_->index_name);
  const auto found = std::ranges::find(table.indexes, name, &Index::name);
  const bool is_there = found != table.indexes.end() && found->global;
  if (!is_there && update.update)
    return validation(
        "This operation cannot be performed with given input values. Please contact DynamoDB "
        "service team for more info: Action Blocked: IndexUpdate");
  if (!is_there) return api::dynamodb::resource_not_found("Requested resource not found");
  if (update.update) {
    if (auto wrong = change_index_settings(table, *found, *update.update)) return wrong;
    if (!update.update->provisioned_throughput || table.on_demand) return std::nullopt;
    return change_units(found->throughput, *update.update->provisioned_throughput, "index " + name,
                        table.throughput.read == 0, now);
  }
  if (found->state == Index::State::kCreating)
    return api::dynamodb::resource_in_use(
        "Attempt to change a resource which is still in use: Index is being created: " + name);
  table.indexes.erase(found);
  return std::nullopt;
}

}  // namespace

std::optional<api::Error> apply_update(Definition& table, const d::UpdateTableInput& input,
                                       base::Timestamp now) {
  Definition edited = table;
  if (auto wrong = change_billing(edited, input, now)) return wrong;
  if (input.attribute_definitions) {
    auto given = read_attributes(input.attribute_definitions);
    if (!given) return std::move(given).error();
    for (const auto& attribute : *given) {
      const auto* const before = find_attribute(edited.attributes, attribute.name);
      if (before == nullptr) edited.attributes.push_back(attribute);
      else if (before->type != attribute.type)
        return invalid_parameter("Attributes cannot be redefined: " + attribute.name);
    }
  }
  if (input.global_secondary_index_updates) {
    const auto online = std::ranges::count_if(
        *input.global_secondary_index_updates,
        [](const auto& update) { return update.create.has_value() || update.delete_.has_value(); });
    if (online > 1)
      return api::dynamodb::limit_exceeded(
          "Subscriber limit exceeded: Only 1 online index can be created or deleted "
          "simultaneously per table");
    for (const auto& update : *input.global_secondary_index_updates) {
      if (auto wrong = change_index(edited, input, update, now)) return wrong;
    }
  }
  // Attributes that no key uses any more go with their index.
  std::erase_if(edited.attributes, [&](const tables::KeyAttribute& attribute) {
    if (edited.keys.has(attribute.name)) return false;
    return std::ranges::none_of(edited.indexes,
                                [&](const Index& index) { return index.keys.has(attribute.name); });
  });
  if (auto wrong = change_stream(edited, input.stream_specification)) return wrong;
  if (auto wrong = change_settings(edited, input)) return wrong;
  if (input.table_class) edited.table_class = *input.table_class;
  if (input.deletion_protection_enabled)
    edited.deletion_protection = *input.deletion_protection_enabled;
  table = std::move(edited);
  return std::nullopt;
}

}  // namespace services::dynamodb
