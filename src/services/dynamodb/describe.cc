// A table's definition as the API shows it.

#include <algorithm>

#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Index;
using tables::KeySchema;

d::ProvisionedThroughputDescription throughput(const tables::Throughput& from) {
  d::ProvisionedThroughputDescription made;
  made.last_increase_date_time = from.last_increase;
  made.last_decrease_date_time = from.last_decrease;
  made.number_of_decreases_today = from.decreases_today;
  made.read_capacity_units = from.read;
  made.write_capacity_units = from.write;
  return made;
}

template <class Shown>
Shown warm(const Definition& definition, const tables::Throughput& provisioned,
           const tables::Warm& asked) {
  const tables::Warm units = shown_warm(definition.on_demand, provisioned, asked);
  Shown made;
  made.read_units_per_second = units.read;
  made.write_units_per_second = units.write;
  made.status = "ACTIVE";
  return made;
}

void add_index(d::TableDescription& table, const Definition& definition, const Index& index,
               const tables::Count& count, bool creating) {
  const auto fill = [&](auto& made) {
    made.index_name = index.name;
    made.key_schema = describe(index.keys);
    made.projection = describe(index.projection);
    made.index_size_bytes = count.bytes;
    made.item_count = count.items;
    made.index_arn = definition.index_arn(index);
  };
  if (!index.global) {
    if (!table.local_secondary_indexes) table.local_secondary_indexes.emplace();
    fill(table.local_secondary_indexes->emplace_back());
    return;
  }
  if (!table.global_secondary_indexes) table.global_secondary_indexes.emplace();
  auto& made = table.global_secondary_indexes->emplace_back();
  fill(made);
  const bool filling = index.state == Index::State::kCreating;
  made.index_status = filling || creating ? "CREATING" : "ACTIVE";
  if (filling) made.backfilling = true;
  made.provisioned_throughput = throughput(index.throughput);
  if (!creating)
    made.warm_throughput = warm<d::GlobalSecondaryIndexWarmThroughputDescription>(
        definition, index.throughput, index.warm);
  made.on_demand_throughput = describe_maxima(index.maxima);
}

}  // namespace

std::vector<d::KeySchemaElement> describe(const KeySchema& schema) {
  std::vector<d::KeySchemaElement> elements;
  schema.each([&](const tables::KeyAttribute& key, bool is_hash) {
    auto& element = elements.emplace_back();
    element.attribute_name = key.name;
    element.key_type = is_hash ? "HASH" : "RANGE";
    return false;
  });
  return elements;
}

d::Projection describe(const tables::Projection& from) {
  d::Projection made;
  switch (from.kind) {
    case tables::Projection::Kind::kAll: made.projection_type = "ALL"; break;
    case tables::Projection::Kind::kKeysOnly: made.projection_type = "KEYS_ONLY"; break;
    case tables::Projection::Kind::kInclude:
      made.projection_type = "INCLUDE";
      made.non_key_attributes = from.attributes;
      std::ranges::sort(*made.non_key_attributes);
      break;
  }
  return made;
}

d::TableDescription describe(const Deps& deps, const tables::Table& table,
                             const Definition& definition, std::string_view status) {
  const bool creating = status == "CREATING" ||
                        (status == "ACTIVE" && deps.tables.catalogue().is_creating(definition));
  const tables::Counts counts = table.counts();
  const auto count = [&](tables::IndexId id) {
    const auto found = counts.find(id);
    return found == counts.end() ? tables::Count() : found->second;
  };
  d::TableDescription made;
  auto& attributes = made.attribute_definitions.emplace();
  for (const auto& attribute : definition.attributes) {
    auto& one = attributes.emplace_back();
    one.attribute_name = attribute.name;
    one.attribute_type = std::string(tables::type_name(attribute.type));
  }
  std::ranges::sort(attributes, {}, &d::AttributeDefinition::attribute_name);
  made.table_name = definition.name;
  made.key_schema = describe(definition.keys);
  made.table_status = creating ? "CREATING" : std::string(status);
  made.creation_date_time = definition.created;
  made.provisioned_throughput = throughput(definition.throughput);
  const tables::Count whole = count(tables::IndexId(0));
  made.table_size_bytes = whole.bytes;
  made.item_count = whole.items;
  made.table_arn = definition.arn();
  made.table_id = definition.uuid;
  if (definition.on_demand || definition.on_demand_since) {
    auto& billing = made.billing_mode_summary.emplace();
    billing.billing_mode = definition.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED";
    if (!creating) billing.last_update_to_pay_per_request_date_time = definition.on_demand_since;
  }
  for (const Index& index : definition.indexes)
    add_index(made, definition, index, count(index.id), creating);
  if (!definition.table_class.empty())
    made.table_class_summary.emplace().table_class = definition.table_class;
  describe_stream(made, definition);
  if (const auto& origin = definition.origin;
      origin && origin->filling && origin->kind == tables::Origin::Kind::kRestored) {
    auto& restore = made.restore_summary.emplace();
    if (!origin->backup_arn.empty()) restore.source_backup_arn = origin->backup_arn;
    restore.source_table_arn = origin->table_arn;
    restore.restore_date_time = origin->time;
    restore.restore_in_progress = true;
  }
  made.deletion_protection_enabled = definition.deletion_protection;
  if (!creating)
    made.warm_throughput =
        warm<d::TableWarmThroughputDescription>(definition, definition.throughput, definition.warm);
  made.on_demand_throughput = describe_maxima(definition.maxima);
  made.sse_description = describe_encryption(definition);
  return made;
}

}  // namespace services::dynamodb
