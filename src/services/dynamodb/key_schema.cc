#include "services/dynamodb/key_schema.h"

#include <algorithm>
#include <set>

namespace services::dynamodb {

namespace {

using tables::invalid_parameter;
using tables::validation;
using Wrong = std::optional<api::Error>;

std::vector<std::string> names_of(const KeyElements& keys) {
  std::vector<std::string> names;
  for (const auto& key : keys) names.push_back(key.attribute_name.value_or(""));
  return names;
}

}  // namespace

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const tables::KeyAttribute* find_attribute(const KeyAttributes& attributes,
                                           const std::string& name) {
  const auto found = std::ranges::find(attributes, name, &tables::KeyAttribute::name);
  return found == attributes.end() ? nullptr : &*found;
}

api::Outcome<KeyAttributes> read_attributes(
    const std::optional<std::vector<d::AttributeDefinition>>& given) {
  KeyAttributes attributes;
  if (!given) return attributes;
  for (const auto& one : *given) {
    const auto type = tables::type_of_name(one.attribute_type.value_or("S"));
    tables::KeyAttribute made{one.attribute_name.value_or(""), type.value_or(tables::Type::kS)};
    if (find_attribute(attributes, made.name) != nullptr)
      return tables::refuse("Attribute Name is duplicated: " + made.name);
    attributes.push_back(std::move(made));
  }
  return attributes;
}

Wrong check_defined(const KeyElements& keys, const KeyAttributes& attributes) {
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

Wrong check_table_key_count(const KeyElements& keys) {
  if (keys.size() <= 2) return std::nullopt;
  std::vector<std::string> shown(keys.size(),
                                 "com.amazonaws.dynamodb.v20120810.KeySchemaElement@c965e310");
  return validation("1 validation error detected: Value '[" + joined(shown) +
                    "]' at 'keySchema' failed to satisfy constraint: Member must have length less "
                    "than or equal to 2");
}

Wrong check_key_types(const KeyElements& keys) {
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

Wrong check_global_key_types(const KeyElements& keys) {
  std::set<std::string> names;
  for (const auto& key : keys) {
    if (!names.insert(key.attribute_name.value_or("")).second)
      return keys.size() == 2
                 ? check_key_types(keys)
                 : validation("The KeySchema contains multiple key attributes with the same name");
  }
  if (keys[0].key_type != "HASH") return check_key_types({keys[0]});
  std::size_t hashes = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].key_type != "HASH") continue;
    if (hashes++ != i)
      return invalid_parameter(
          "All HASH key attributes must precede RANGE key attributes in the KeySchema");
  }
  const auto too_many = [](const char* kind) {
    return invalid_parameter("The KeySchema exceeds the maximum allowed number of " +
                             std::string(kind) + " key attributes");
  };
  if (hashes > tables::kKeyAttributesMax) return too_many("HASH");
  if (keys.size() - hashes > tables::kKeyAttributesMax) return too_many("RANGE");
  return std::nullopt;
}

tables::KeySchema schema_of(const KeyElements& keys, const KeyAttributes& attributes) {
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

}  // namespace services::dynamodb
