// UpdateContinuousBackups, DescribeContinuousBackups: point-in-time recovery, on and off.

#include "api/dynamodb/errors.h"
#include "backups/backups.h"
#include "services/dynamodb/common.h"

namespace services::dynamodb {

namespace {

using tables::Definition;

d::ContinuousBackupsDescription describe_recovery(const Deps& deps, const Definition& table) {
  d::ContinuousBackupsDescription made;
  made.continuous_backups_status = "ENABLED";
  auto& recovery = made.point_in_time_recovery_description.emplace();
  const auto window = backups::window_of(table, deps.clock.now());
  recovery.point_in_time_recovery_status = window ? "ENABLED" : "DISABLED";
  if (!window) return made;
  recovery.recovery_period_in_days = table.point_in_time.days;
  recovery.earliest_restorable_date_time = window->earliest;
  recovery.latest_restorable_date_time = window->latest;
  return made;
}

Answer<d::DescribeContinuousBackupsOutput> describe_backups(
    const Deps& deps, const Context& context, d::DescribeContinuousBackupsInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(no_table_to_back_up(name->name));
  d::DescribeContinuousBackupsOutput output;
  output.continuous_backups_description = describe_recovery(deps, *table->definition());
  co_return output;
}

void set(Definition& table, const d::PointInTimeRecoverySpecification& wanted,
         base::Timestamp now) {
  tables::PointInTime& setting = table.point_in_time;
  if (!*wanted.point_in_time_recovery_enabled) {
    setting = tables::PointInTime();
  } else {
    if (!setting.enabled)
      setting = {.enabled = true, .days = tables::kRecoveryDaysMax, .since = now};
    // What has fallen out of a narrow window does not come back with a wider one.
    setting.since = std::max(setting.since, now - std::chrono::hours(24 * setting.days));
    if (wanted.recovery_period_in_days)
      setting.days = static_cast<std::uint8_t>(*wanted.recovery_period_in_days);
  }
  table.settle_history();
}

Answer<d::UpdateContinuousBackupsOutput> update(const Deps& deps, const Context& context,
                                                d::UpdateContinuousBackupsInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  const auto& wanted = *input.point_in_time_recovery_specification;
  if (!*wanted.point_in_time_recovery_enabled && wanted.recovery_period_in_days)
    co_return tables::refuse(
        "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time "
        "recovery.");
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(no_table_to_back_up(name->name));
  if (deps.tables.catalogue().is_creating(*table->definition()))
    co_return std::unexpected(d::continuous_backups_unavailable(
        "Backups are being enabled for the table: " + name->name + ". Please retry later"));
  const auto changed = co_await deps.tables.catalogue().change(
      *name, [wanted, now = deps.clock.now()](Definition& edited) -> std::optional<api::Error> {
        set(edited, wanted, now);
        return std::nullopt;
      });
  if (!changed && changed.error().code == "ResourceNotFoundException")
    co_return std::unexpected(no_table_to_back_up(name->name));
  if (!changed) co_return std::unexpected(changed.error());
  d::UpdateContinuousBackupsOutput output;
  output.continuous_backups_description = describe_recovery(deps, **changed);
  co_return output;
}

template <class Input>
auto on_table(const Deps& deps, const char* action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    const auto name = control_table(context, input.table_name);
    if (!name) return std::unexpected(name.error());
    return wire::Checks{table_check(deps, action, *name)};
  };
}

}  // namespace

void register_recovery(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::DescribeContinuousBackups>(
      on_table<d::DescribeContinuousBackupsInput>(deps, "dynamodb:DescribeContinuousBackups"),
      [&deps](const Context& context, auto input) {
        return describe_backups(deps, context, std::move(input));
      });
  registry.add<d::op::UpdateContinuousBackups>(
      on_table<d::UpdateContinuousBackupsInput>(deps, "dynamodb:UpdateContinuousBackups"),
      [&deps](const Context& context, auto input) {
        return update(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
