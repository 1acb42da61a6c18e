// CreateBackup, DescribeBackup, ListBackups, DeleteBackup.

#include "backups/backups.h"

#include "api/dynamodb/errors.h"
#include "base/log.h"
#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

using backups::Backup;
using backups::PartArn;

constexpr std::size_t kListMax = 100;

api::Error internal(const base::Error& error) {
  base::log_error("dynamodb: {}", error.to_string());
  return api::internal_failure();
}

api::Outcome<PartArn> read_arn(const std::optional<std::string>& arn) {
  const auto parsed = backups::parse_part_arn(arn.value_or(""), "backup");
  if (!parsed) return tables::refuse("Invalid Backup ARN");
  return *parsed;
}

std::string_view name_of(Backup::Type type) {
  return type == Backup::Type::kUser ? "USER" : "SYSTEM";
}

std::string_view name_of(Backup::Status status) {
  return status == Backup::Status::kCreating ? "CREATING" : "AVAILABLE";
}

d::BackupDetails details(const Backup& backup, std::string_view status) {
  d::BackupDetails made;
  made.backup_arn = backup.arn();
  made.backup_name = backup.name;
  made.backup_size_bytes = backup.count.bytes;
  made.backup_status = std::string(status);
  made.backup_type = std::string(name_of(backup.type));
  made.backup_creation_date_time = backup.created;
  made.backup_expiry_date_time = backup.expires;
  return made;
}

d::ProvisionedThroughput units(const tables::Throughput& from) {
  d::ProvisionedThroughput made;
  made.read_capacity_units = from.read;
  made.write_capacity_units = from.write;
  return made;
}

d::SourceTableDetails table_details(const Backup& backup) {
  const tables::Definition& table = backup.table;
  d::SourceTableDetails made;
  made.table_name = table.name;
  made.table_id = table.uuid;
  made.table_arn = table.arn();
  made.table_size_bytes = backup.count.bytes;
  made.item_count = backup.count.items;
  made.key_schema = describe(table.keys);
  made.table_creation_date_time = table.created;
  made.provisioned_throughput = units(table.throughput);
  made.on_demand_throughput = describe_maxima(table.maxima);
  made.billing_mode = table.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED";
  return made;
}

d::SourceTableFeatureDetails features(const tables::Definition& table) {
  d::SourceTableFeatureDetails made;
  for (const tables::Index& index : table.indexes) {
    const auto fill = [&index](auto& list) -> auto& {
      if (!list) list.emplace();
      auto& one = list->emplace_back();
      one.index_name = index.name;
      one.key_schema = describe(index.keys);
      one.projection = describe(index.projection);
      return one;
    };
    if (!index.global) {
      fill(made.local_secondary_indexes);
      continue;
    }
    auto& one = fill(made.global_secondary_indexes);
    one.provisioned_throughput = units(index.throughput);
    one.on_demand_throughput = describe_maxima(index.maxima);
  }
  made.sse_description = describe_encryption(table);
  if (table.stream && table.stream->enabled) {
    auto& stream = made.stream_description.emplace();
    stream.stream_enabled = true;
    stream.stream_view_type = std::string(tables::name_of(table.stream->view));
  }
  if (table.time_to_live.enabled) {
    auto& ttl = made.time_to_live_description.emplace();
    ttl.time_to_live_status = "ENABLED";
    ttl.attribute_name = table.time_to_live.attribute;
  }
  return made;
}

d::BackupDescription describe(const Backup& backup, std::string_view status) {
  d::BackupDescription made;
  made.backup_details = details(backup, status);
  made.source_table_details = table_details(backup);
  made.source_table_feature_details = features(backup.table);
  return made;
}

d::BackupSummary summary(const Backup& backup) {
  d::BackupSummary made;
  made.table_name = backup.table.name;
  made.table_id = backup.table.uuid;
  made.table_arn = backup.table.arn();
  made.backup_arn = backup.arn();
  made.backup_name = backup.name;
  made.backup_creation_date_time = backup.created;
  made.backup_expiry_date_time = backup.expires;
  made.backup_status = std::string(name_of(backup.status));
  made.backup_type = std::string(name_of(backup.type));
  made.backup_size_bytes = backup.count.bytes;
  return made;
}

Answer<d::CreateBackupOutput> create(const Deps& deps, const Context& context,
                                     d::CreateBackupInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(no_table_to_back_up(name->name));
  if (deps.tables.catalogue().is_creating(*table->definition()))
    co_return std::unexpected(no_table_to_back_up(name->name));
  const auto made = co_await deps.backups->create(*name, *input.backup_name);
  if (!made && made.error().code == "ResourceNotFoundException")
    co_return std::unexpected(no_table_to_back_up(name->name));
  if (!made) co_return std::unexpected(made.error());
  d::CreateBackupOutput output;
  output.backup_details = details(*made, "CREATING");
  co_return output;
}

Answer<d::DescribeBackupOutput> describe_backup(const Deps& deps, d::DescribeBackupInput input) {
  const auto arn = read_arn(input.backup_arn);
  if (!arn) co_return std::unexpected(arn.error());
  const auto backup = co_await deps.backups->find(*arn);
  if (!backup) co_return std::unexpected(internal(backup.error()));
  if (!*backup)
    co_return std::unexpected(d::backup_not_found("Backup not found: " + *input.backup_arn));
  d::DescribeBackupOutput output;
  output.backup_description = describe(**backup, name_of((*backup)->status));
  co_return output;
}

api::Outcome<backups::BackupFilter> filter_of(const Context& context,
                                              const d::ListBackupsInput& input) {
  backups::BackupFilter filter;
  if (input.table_name) {
    const auto table = control_table(context, input.table_name);
    if (!table) return std::unexpected(table.error());
    filter.table = table->name;
  }
  if (input.time_range_lower_bound && input.time_range_upper_bound &&
      *input.time_range_lower_bound > *input.time_range_upper_bound)
    return std::unexpected(tables::invalid_parameter(
        "Time range lower bound must be less than or equal to upper bound"));
  filter.from = input.time_range_lower_bound;
  filter.until = input.time_range_upper_bound;
  const std::string type = input.backup_type.value_or("USER");
  if (type == "USER") filter.type = Backup::Type::kUser;
  if (type == "SYSTEM") filter.type = Backup::Type::kSystem;
  if (input.exclusive_start_backup_arn) {
    const auto after = read_arn(input.exclusive_start_backup_arn);
    if (!after) return std::unexpected(after.error());
    if (after->region != context.region)
      return tables::refuse(
          "Invalid Request: The supplied ExclusiveStartBackupArn does not match the region");
    filter.after = after->id;
  }
  return filter;
}

Answer<d::ListBackupsOutput> list(const Deps& deps, const Context& context,
                                  d::ListBackupsInput input) {
  const auto filter = filter_of(context, input);
  if (!filter) co_return std::unexpected(filter.error());
  d::ListBackupsOutput output;
  output.backup_summaries.emplace();
  // Kept for others, who have no backups here.
  if (input.backup_type == "AWS_BACKUP") co_return output;
  const auto limit = static_cast<std::size_t>(input.limit.value_or(kListMax));
  const auto page = co_await deps.backups->list(context.account_id, context.region, *filter, limit);
  if (!page) co_return std::unexpected(internal(page.error()));
  for (const Backup& backup : page->backups) output.backup_summaries->push_back(summary(backup));
  if (page->more) output.last_evaluated_backup_arn = page->backups.back().arn();
  co_return output;
}

Answer<d::DeleteBackupOutput> remove(const Deps& deps, d::DeleteBackupInput input) {
  const auto arn = read_arn(input.backup_arn);
  if (!arn) co_return std::unexpected(arn.error());
  const auto gone = co_await deps.backups->remove(*arn);
  if (!gone) co_return std::unexpected(gone.error());
  d::DeleteBackupOutput output;
  output.backup_description = describe(*gone, "DELETED");
  co_return output;
}

template <class Input>
auto on_backup(const char* action) {
  return [action](const Context&, const Input& input) -> api::Outcome<wire::Checks> {
    const auto arn = read_arn(input.backup_arn);
    if (!arn) return std::unexpected(arn.error());
    return wire::Checks{part_check(action, *input.backup_arn)};
  };
}

}  // namespace

void register_backups(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::CreateBackup>(
      [&deps](const Context& context,
              const d::CreateBackupInput& input) -> api::Outcome<wire::Checks> {
        const auto name = control_table(context, input.table_name);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{table_check(deps, "dynamodb:CreateBackup", *name)};
      },
      [&deps](const Context& context, auto input) {
        return create(deps, context, std::move(input));
      });
  registry.add<d::op::DescribeBackup>(
      on_backup<d::DescribeBackupInput>("dynamodb:DescribeBackup"),
      [&deps](const Context&, auto input) { return describe_backup(deps, std::move(input)); });
  registry.add<d::op::ListBackups>(
      [](const Context&, const d::ListBackupsInput&) {
        return wire::Checks{{.action = "dynamodb:ListBackups", .resource = "*"}};
      },
      [&deps](const Context& context, auto input) {
        return list(deps, context, std::move(input));
      });
  registry.add<d::op::DeleteBackup>(
      on_backup<d::DeleteBackupInput>("dynamodb:DeleteBackup"),
      [&deps](const Context&, auto input) { return remove(deps, std::move(input)); });
}

}  // namespace services::dynamodb
