// What UpdateTable asks for: what may stand together in a request, and what a table becomes.

#include <algorithm>
#include <set>

#include "api/dynamodb/errors.h"
#include "services/dynamodb/key_schema.h"
#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Index;
using tables::invalid_parameter;
using tables::validation;
using Wrong = std::optional<api::Error>;

// Names as AWS lists them, some of which are no members of the public model. One that the request
// has (and that does not count by itself) is left out.
api::Error nothing_to_do(const d::UpdateTableInput& input) {
  std::string text =
      "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
      "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
      "ReplicaTransitRoleArn, ";
  if (!input.multi_region_consistency) text += "MultiRegionConsistency, ";
  return validation(text +
                    "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass "
                    "is required");
}

const std::string& index_name(const d::GlobalSecondaryIndexUpdate& update) {
  return *(update.update   ? update.update->index_name
           : update.create ? update.create->index_name
                           : update.delete_->index_name);
}

// No table has replicas, and none can be made.
api::Error check_replicas(const d::UpdateTableInput& input) {
  std::string strangers;
  for (const auto& one : *input.replica_updates) {
    if (!one.create && !one.update && !one.delete_)
      return validation(
          "There are no actions specified in the Replica Update Action of the request.");
    if (one.create) return validation("ReplicaUpdates are not served by Millrace");
    const auto& region = one.update ? one.update->region_name : one.delete_->region_name;
    strangers += (strangers.empty() ? "" : ", ") + region.value_or("");
  }
  return validation(
      "Update global table operation failed because one or more replicas were not part of the "
      "global table. Please retry the request without these replicas: [" +
      strangers + "].");
}

bool is_empty(const d::WarmThroughput& warm) {
  return !warm.read_units_per_second && !warm.write_units_per_second;
}

Wrong check_index_updates(const std::vector<d::GlobalSecondaryIndexUpdate>& updates) {
  std::set<std::string> seen;
  for (const auto& update : updates) {
    const int actions = int(update.update.has_value()) + int(update.create.has_value()) +
                        int(update.delete_.has_value());
    if (actions == 0)
      return invalid_parameter(
          "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
          "GlobalSecondaryIndexUpdate.Delete must not be null");
    if (actions > 1)
      return invalid_parameter(
          "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate "
          "object");
    if (!seen.insert(index_name(update)).second)
      return invalid_parameter(
          "Only one global secondary index update per index is allowed simultaneously. Index: " +
          index_name(update));
    if (update.update && update.update->warm_throughput &&
        is_empty(*update.update->warm_throughput))
      return invalid_parameter(
          "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond "
          "specified for index: " +
          index_name(update));
  }
  return std::nullopt;
}

// What cannot go with the making and removing of indexes.
Wrong check_beside_indexes(const d::UpdateTableInput& input) {
  bool online = false;
  bool create = false;
  for (const auto& update : *input.global_secondary_index_updates) {
    create = create || update.create.has_value();
    online = online || update.create.has_value() || update.delete_.has_value();
  }
  if (online && input.provisioned_throughput)
    return invalid_parameter("You cannot create or delete index while updating table IOPS");
  if (online && input.stream_specification)
    return invalid_parameter("You cannot create or delete index while changing stream status");
  if (create && input.warm_throughput && !is_empty(*input.warm_throughput))
    return invalid_parameter(
        "Create global secondary index cannot be specified when updating WarmThroughput");
  return std::nullopt;
}

}  // namespace

std::optional<api::Error> check_update(const d::UpdateTableInput& input) {
  const auto& indexes = input.global_secondary_index_updates;
  const bool any_index = indexes && !indexes->empty();
  if (!input.provisioned_throughput && !input.billing_mode && !any_index &&
      !input.sse_specification && !input.stream_specification && !input.table_class &&
      !input.deletion_protection_enabled && !input.on_demand_throughput && !input.replica_updates &&
      !input.warm_throughput)
    return nothing_to_do(input);
  if (indexes && indexes->empty())
    return invalid_parameter("List of GlobalSecondaryIndexUpdates is empty");
  if (auto wrong = check_table_class(input.table_class)) return wrong;
  if (input.billing_mode == "PROVISIONED" && !input.provisioned_throughput)
    return invalid_parameter(
        "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
  if (input.provisioned_throughput && input.billing_mode != "PAY_PER_REQUEST") {
    if (auto wrong = check_units(input.provisioned_throughput, false)) return wrong;
  }
  if (input.replica_updates) return check_replicas(input);
  if (input.global_table_settings_replication_mode == "ENABLED_WITH_OVERRIDES")
    return validation(
        "Value 'ENABLED_WITH_OVERRIDES' at 'GlobalTableSettingsReplicationMode' failed to satisfy "
        "constraint: Only ENABLED and DISABLED settings replication are supported for a Regional "
        "Table.");
  if (any_index) {
    if (auto wrong = check_index_updates(*indexes)) return wrong;
  }
  if (auto wrong = check_alone(input)) return wrong;
  return any_index ? check_beside_indexes(input) : std::nullopt;
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

// A table that becomes a provisioned one says what each of its global indexes gets.
Wrong check_every_index_given(const Definition& table, const d::UpdateTableInput& input) {
  std::string missing;
  for (const Index& index : table.indexes) {
    if (!index.global) continue;
    const auto gives = [&](const d::GlobalSecondaryIndexUpdate& update) {
      return index_name(update) == index.name &&
             (update.delete_ || (update.update && update.update->provisioned_throughput));
    };
    const auto& updates = input.global_secondary_index_updates;
    if (updates && std::ranges::any_of(*updates, gives)) continue;
    missing += (missing.empty() ? "" : ",") + index.name;
  }
  if (missing.empty()) return std::nullopt;
  return invalid_parameter("ProvisionedThroughput must be specified for index: " + missing);
}

// A new index's keys are defined by the request itself, also where the table knows them; what else
// the request defines is passed over.
Wrong define_keys(Definition& table, const d::UpdateTableInput& input,
                  const d::CreateGlobalSecondaryIndexAction& create) {
  if (!input.attribute_definitions)
    return invalid_parameter("AttributeDefinitions is not specified for index: " +
                             *create.index_name);
  auto given = read_attributes(input.attribute_definitions);
  if (!given) return std::move(given).error();
  if (auto wrong = check_defined(*create.key_schema, *given)) return wrong;
  for (const auto& key : *create.key_schema) {
    const auto& attribute = *find_attribute(*given, *key.attribute_name);
    const auto* const before = find_attribute(table.attributes, attribute.name);
    if (before == nullptr) table.attributes.push_back(attribute);
    else if (before->type != attribute.type)
      return invalid_parameter("Attributes cannot be redefined: " + attribute.name);
  }
  return std::nullopt;
}

Wrong create_index(Definition& table, const d::UpdateTableInput& input,
                   const d::CreateGlobalSecondaryIndexAction& create) {
  if (table.find_index(*create.index_name) != nullptr)
    return validation("Attempting to create an index which already exists");
  const auto globals = std::ranges::count(table.indexes, true, &Index::global);
  if (static_cast<std::size_t>(globals) >= tables::kGlobalIndexesMax)
    return api::dynamodb::limit_exceeded(
        "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of "
        "20");
  if (auto wrong = define_keys(table, input, create)) return wrong;
  return read_new_index(table, create);
}

Wrong update_index(const Definition& table, Index& index,
                   const d::UpdateGlobalSecondaryIndexAction& wanted, base::Timestamp now) {
  const auto& maxima = wanted.on_demand_throughput;
  const bool sets_maxima =
      maxima && (maxima->max_read_request_units || maxima->max_write_request_units);
  if (table.on_demand &&
      (wanted.provisioned_throughput || (!sets_maxima && !wanted.warm_throughput)))
    return invalid_parameter("The only Updates for index: " + index.name +
                             " when TableThroughputMode is PAY_PER_REQUEST can be to "
                             "OnDemandThroughput, WarmThroughput");
  if (auto wrong = change_index_settings(table, index, wanted)) return wrong;
  if (!wanted.provisioned_throughput) return std::nullopt;
  return change_units(index.throughput, *wanted.provisioned_throughput, "index " + index.name,
                      index.throughput.read == 0, now);
}

Wrong change_index(Definition& table, const d::UpdateTableInput& input,
                   const d::GlobalSecondaryIndexUpdate& update, base::Timestamp now) {
  if (update.create) return create_index(table, input, *update.create);
  const std::string& name = index_name(update);
  const auto found = std::ranges::find(table.indexes, name, &Index::name);
  if (found == table.indexes.end())
    return api::dynamodb::resource_not_found("Requested resource not found: Index " + name +
                                             " for table " + table.name);
  if (!found->global)
    return validation("Cannot " + std::string(update.update ? "update" : "delete") +
                      " an index that is not a GlobalSecondaryIndex: " + name);
  if (update.update) return update_index(table, *found, *update.update, now);
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
  if (table.on_demand && !edited.on_demand) {
    if (auto wrong = check_every_index_given(edited, input)) return wrong;
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
