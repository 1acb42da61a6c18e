// RestoreTableFromBackup, RestoreTableToPointInTime.

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "backups/backups.h"
#include "base/log.h"
#include "base/time_text.h"
#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Index;
using Wrong = std::optional<api::Error>;

api::Error internal(const base::Error& error) {
  base::log_error("dynamodb: {}", error.to_string());
  return api::internal_failure();
}

// --- overrides ---

bool is_same(const d::Projection& a, const d::Projection& b) {
  auto some = a.non_key_attributes.value_or(std::vector<std::string>());
  auto others = b.non_key_attributes.value_or(std::vector<std::string>());
  std::ranges::sort(some);
  std::ranges::sort(others);
  return a.projection_type == b.projection_type && some == others;
}

template <class Given>
bool is_same(const Index& index, const Given& given) {
  const auto keys = describe(index.keys);
  if (!given.key_schema || keys.size() != given.key_schema->size()) return false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& other = (*given.key_schema)[i];
    if (keys[i].attribute_name != other.attribute_name || keys[i].key_type != other.key_type)
      return false;
  }
  return given.projection && is_same(describe(index.projection), *given.projection);
}

api::Error invalid(std::string_view what) {
  return tables::validation("Invalid Request: " + std::string(what));
}

tables::Throughput units_of(const d::ProvisionedThroughput& from) {
  return {.read = from.read_capacity_units.value_or(0),
          .write = from.write_capacity_units.value_or(0)};
}

// A restore may leave indexes out and give them other names; it cannot make others.
template <class Given>
Wrong choose_indexes(Definition& table, bool global,
                     const std::optional<std::vector<Given>>& wanted) {
  if (!wanted) return std::nullopt;
  std::vector<Index> chosen;
  for (const Given& given : *wanted) {
    const std::string name = given.index_name.value_or("");
    const auto found = std::ranges::find_if(table.indexes, [&](const Index& index) {
      return index.global == global && is_same(index, given);
    });
    if (found == table.indexes.end())
      return invalid("Index " + name +
                     " does not match a secondary index that existed in the source table and "
                     "cannot be created during the restore operation");
    chosen.push_back(*found);
    chosen.back().name = name;
    if constexpr (requires { given.provisioned_throughput; }) {
      if (table.on_demand && given.provisioned_throughput)
        return invalid(
            "Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST "
            "for index " +
            name);
      if (!table.on_demand && !given.provisioned_throughput)
        return invalid("Must specify provisioned throughput for index " + name);
      if (given.provisioned_throughput)
        chosen.back().throughput = units_of(*given.provisioned_throughput);
    }
  }
  std::erase_if(table.indexes, [&](const Index& index) { return index.global == global; });
  std::ranges::move(chosen, std::back_inserter(table.indexes));
  return std::nullopt;
}

template <class Input>
Wrong choose_billing(Definition& table, const Input& input, base::Timestamp now) {
  const bool was_on_demand = table.on_demand;
  const auto& mode = input.billing_mode_override;
  if (mode) table.on_demand = *mode == "PAY_PER_REQUEST";
  const auto& units = input.provisioned_throughput_override;
  if (table.on_demand && units)
    return invalid(mode
                       ? "Cannot override ProvisionedThroughput if BillingMode is overridden to "
                         "PAY_PER_REQUEST"
                       : "Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED");
  if (table.on_demand) {
    table.throughput = tables::Throughput();
    for (Index& index : table.indexes) index.throughput = tables::Throughput();
    table.on_demand_since = now;
    return std::nullopt;
  }
  table.maxima = {};
  for (Index& index : table.indexes) index.maxima = {};
  if (was_on_demand && !units)
    return invalid(
        "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED");
  if (units) table.throughput = units_of(*units);
  return std::nullopt;
}

Wrong check_every_index_given(const Definition& table) {
  const auto lacking = std::ranges::find_if(
      table.indexes, [](const Index& index) { return index.global && index.throughput.read == 0; });
  if (table.on_demand || lacking == table.indexes.end()) return std::nullopt;
  return invalid("Must specify provisioned throughput for index " + lacking->name);
}

Wrong check_maxima(const Definition& table, const std::optional<d::OnDemandThroughput>& wanted) {
  if (!wanted || (!wanted->max_read_request_units && !wanted->max_write_request_units))
    return std::nullopt;
  const std::string first =
      wanted->max_read_request_units ? "MaxReadRequestUnits" : "MaxWriteRequestUnits";
  if (!table.on_demand)
    return invalid("Cannot override " + first +
                   " for OnDemandThroughput unless BillingModeOverride is PAY_PER_REQUEST");
  const auto check = [](const std::optional<std::int64_t>& units, const char* name) -> Wrong {
    if (!units || *units >= 1) return std::nullopt;
    return invalid("Requested " + std::string(name) +
                   " for OnDemandThroughput is outside of valid range");
  };
  if (auto wrong = check(wanted->max_read_request_units, "MaxReadRequestUnits")) return wrong;
  return check(wanted->max_write_request_units, "MaxWriteRequestUnits");
}

// The target's name is free.
Wrong check_name(const Deps& deps, const tables::TableName& name) {
  const auto there = deps.tables.catalogue().find(name);
  if (!there) return std::nullopt;
  const auto& origin = there->definition()->origin;
  if (origin && origin->filling && !origin->backup_arn.empty())
    return d::table_in_use("Table: " + name.name +
                           " is already being restored from backup: " + origin->backup_arn);
  return d::table_already_exists("Table already exists: " + name.name);
}

template <class Input>
api::Outcome<Definition> target_of(const Deps& deps, const Context& context,
                                   const Definition& source, const Input& input) {
  const tables::TableName name{context.account_id, context.region, *input.target_table_name};
  if (!has_name_length(name.name))
    return tables::refuse(
        "TableName must be at least 3 characters long and at most 255 characters long");
  if (!has_name_characters(name.name))
    return tables::refuse("1 validation error detected: Value '" + name.name +
                          "' at 'targetTableName' failed to satisfy constraint: Member must "
                          "satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
  if (auto wrong = check_name(deps, name)) return std::unexpected(*std::move(wrong));
  Definition target = backups::restored(source, name);
  const auto choose = [&]() -> Wrong {
    if (auto wrong = choose_billing(target, input, deps.clock.now())) return wrong;
    if (auto wrong = choose_indexes(target, true, input.global_secondary_index_override))
      return wrong;
    if (auto wrong = choose_indexes(target, false, input.local_secondary_index_override))
      return wrong;
    if (auto wrong = check_every_index_given(target)) return wrong;
    return check_maxima(target, input.on_demand_throughput_override);
  };
  if (auto wrong = choose()) return std::unexpected(*std::move(wrong));
  d::CreateTableInput settings;
  settings.on_demand_throughput = input.on_demand_throughput_override;
  settings.sse_specification = input.sse_specification_override;
  if (auto wrong = read_settings(target, settings)) return std::unexpected(*std::move(wrong));
  std::erase_if(target.attributes, [&](const tables::KeyAttribute& attribute) {
    return !target.keys.has(attribute.name) &&
           std::ranges::none_of(target.indexes,
                                [&](const Index& index) { return index.keys.has(attribute.name); });
  });
  return target;
}

template <class Output>
api::Outcome<Output> answer(const Deps& deps, api::Outcome<tables::TablePtr> made,
                            const std::string& name) {
  // Somebody else was quicker.
  if (!made && made.error().code == "ResourceInUseException")
    return std::unexpected(d::table_already_exists("Table already exists: " + name));
  if (!made) return std::unexpected(std::move(made).error());
  Output output;
  output.table_description = describe(deps, **made, *(*made)->definition(), "CREATING");
  return output;
}

api::Error no_key_across_regions() {
  return invalid("sseSpecificationOverride must be provided for cross-region restores");
}

// --- operations ---

Answer<d::RestoreTableFromBackupOutput> from_backup(const Deps& deps, const Context& context,
                                                    d::RestoreTableFromBackupInput input) {
  const auto arn = backups::parse_part_arn(*input.backup_arn, "backup");
  if (!arn) co_return tables::refuse("Invalid Backup ARN");
  if (arn->region != context.region && !input.sse_specification_override)
    co_return std::unexpected(no_key_across_regions());
  const auto backup = co_await deps.backups->find(*arn);
  if (!backup) co_return std::unexpected(internal(backup.error()));
  if (!*backup)
    co_return std::unexpected(d::backup_not_found("Backup not found: " + *input.backup_arn));
  auto target = target_of(deps, context, (*backup)->table, input);
  if (!target) co_return std::unexpected(std::move(target).error());
  auto made = co_await deps.backups->restore(*arn, *std::move(target));
  co_return answer<d::RestoreTableFromBackupOutput>(deps, std::move(made),
                                                    *input.target_table_name);
}

api::Outcome<tables::TableName> source_of(const Context& context,
                                          const d::RestoreTableToPointInTimeInput& input) {
  if (!input.source_table_name && !input.source_table_arn)
    return tables::refuse(
        "The parameter 'TableName' is required but was not present in the request");
  if (input.source_table_name && input.source_table_arn)
    return std::unexpected(invalid("Must provide exactly one of: sourceTableArn, sourceTableName"));
  if (input.source_table_arn && !auth::parse_arn(*input.source_table_arn))
    return tables::refuse(
        "One or more parameter values were invalid: sourceTableArn is not a valid ARN");
  if (input.source_table_arn && !input.sse_specification_override &&
      auth::parse_arn(*input.source_table_arn)->region != context.region)
    return std::unexpected(no_key_across_regions());
  return control_table(context,
                       input.source_table_arn ? input.source_table_arn : input.source_table_name);
}

api::Outcome<base::Timestamp> time_of(const Deps& deps, const Definition& source,
                                      const d::RestoreTableToPointInTimeInput& input) {
  const base::Timestamp now = deps.clock.now();
  const bool latest = input.use_latest_restorable_time.value_or(false);
  if (latest && input.restore_date_time)
    return std::unexpected(
        invalid("Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time "
                "restore request. Please specify either RestoreDateTime time or "
                "UseLatestRestorableTime"));
  if (!latest && !input.restore_date_time)
    return std::unexpected(
        invalid("Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but "
                "not both"));
  const auto window = backups::window_of(source, now);
  if (!window)
    return std::unexpected(d::point_in_time_recovery_unavailable(
        "Point in time recovery is not enabled for table '" + source.name + "'"));
  if (latest) return now;
  const base::Timestamp wanted = *input.restore_date_time;
  if (wanted < window->earliest || wanted > std::max(now, window->latest))
    return std::unexpected(d::invalid_restore_time(
        "RestoreDateTime '" + base::iso8601(wanted) +
        "' must be within EarliestRestorableDateTime '" + base::iso8601(window->earliest) +
        "' and LatestRestorableDateTime '" + base::iso8601(window->latest) + "'"));
  return std::min(wanted, now);
}

Answer<d::RestoreTableToPointInTimeOutput> to_point_in_time(
    const Deps& deps, const Context& context, d::RestoreTableToPointInTimeInput input) {
  const auto name = source_of(context, input);
  if (!name) co_return std::unexpected(name.error());
  const auto source = deps.tables.catalogue().find(*name);
  if (!source) co_return std::unexpected(no_table_to_back_up(name->name));
  const auto definition = source->definition();
  const auto time = time_of(deps, *definition, input);
  if (!time) co_return std::unexpected(time.error());
  auto target = target_of(deps, context, *definition, input);
  if (!target) co_return std::unexpected(std::move(target).error());
  auto made = co_await deps.backups->restore_to(*name, *time, *std::move(target));
  if (!made && made.error().code == "ResourceNotFoundException")
    co_return std::unexpected(no_table_to_back_up(name->name));
  co_return answer<d::RestoreTableToPointInTimeOutput>(deps, std::move(made),
                                                       *input.target_table_name);
}

// Whoever restores writes the table: AWS asks for all of these on the target.
wire::Checks may_restore(const Deps& deps, const Context& context, auth::Check source,
                         const std::string& target) {
  const tables::TableName name{context.account_id, context.region, target};
  const std::string action = source.action;
  wire::Checks checks{std::move(source), table_check(deps, action, name)};
  for (const char* const needed :
       {"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem",
        "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"})
    checks.push_back(table_check(deps, needed, name));
  return checks;
}

}  // namespace

void register_restores(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::RestoreTableFromBackup>(
      [&deps](const Context& context, const d::RestoreTableFromBackupInput& input) {
        return may_restore(deps, context,
                           part_check("dynamodb:RestoreTableFromBackup", *input.backup_arn),
                           *input.target_table_name);
      },
      [&deps](const Context& context, auto input) {
        return from_backup(deps, context, std::move(input));
      });
  registry.add<d::op::RestoreTableToPointInTime>(
      [&deps](const Context& context,
              const d::RestoreTableToPointInTimeInput& input) -> api::Outcome<wire::Checks> {
        const auto source = source_of(context, input);
        if (!source) return std::unexpected(source.error());
        return may_restore(deps, context,
                           table_check(deps, "dynamodb:RestoreTableToPointInTime", *source),
                           *input.target_table_name);
      },
      [&deps](const Context& context, auto input) {
        return to_point_in_time(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
