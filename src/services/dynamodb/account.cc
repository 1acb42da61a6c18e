// DescribeLimits, DescribeEndpoints, DescribeTimeToLive, UpdateTimeToLive.

#include "services/dynamodb/common.h"
#include "wire/http_types.h"

namespace services::dynamodb {

namespace {

// AWS's default quotas.
constexpr std::int64_t kAccountUnits = 80'000;
constexpr std::int64_t kTableUnits = 40'000;
constexpr std::int64_t kEndpointMinutes = 1440;

Answer<d::DescribeLimitsOutput> limits(d::DescribeLimitsInput) {
  d::DescribeLimitsOutput output;
  output.account_max_read_capacity_units = kAccountUnits;
  output.account_max_write_capacity_units = kAccountUnits;
  output.table_max_read_capacity_units = kTableUnits;
  output.table_max_write_capacity_units = kTableUnits;
  co_return output;
}

Answer<d::DescribeEndpointsResponse> endpoints(const Context& context,
                                               d::DescribeEndpointsRequest) {
  d::DescribeEndpointsResponse output;
  auto& one = output.endpoints.emplace().emplace_back();
  // Where this server was reached: a client that asks goes there.
  const std::string* const host = context.http == nullptr ? nullptr : context.http->find("host");
  one.address = host != nullptr ? *host : "dynamodb." + context.region + ".amazonaws.com";
  one.cache_period_in_minutes = kEndpointMinutes;
  co_return output;
}

Answer<d::DescribeTimeToLiveOutput> time_to_live(const Deps& deps, const Context& context,
                                                 d::DescribeTimeToLiveInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(tables::no_such_table(name->name));
  const auto& setting = table->definition()->time_to_live;
  if (deps.tables.catalogue().is_creating(*table->definition()))
    co_return tables::refuse(
        "Cannot describe time to live while table is in CREATING state: Current table state is "
        "CREATING");
  d::DescribeTimeToLiveOutput output;
  auto& description = output.time_to_live_description.emplace();
  description.time_to_live_status = setting.enabled ? "ENABLED" : "DISABLED";
  if (setting.enabled) description.attribute_name = setting.attribute;
  co_return output;
}

Answer<d::UpdateTimeToLiveOutput> update_time_to_live(const Deps& deps, const Context& context,
                                                      d::UpdateTimeToLiveInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  const d::TimeToLiveSpecification wanted = *input.time_to_live_specification;
  auto changed = co_await deps.tables.catalogue().change(
      *name, [wanted](tables::Definition& edited) -> std::optional<api::Error> {
        tables::TimeToLive& setting = edited.time_to_live;
        const std::string attribute = wanted.attribute_name.value_or("");
        const bool enable = wanted.enabled.value_or(false);
        if (setting.enabled && attribute != setting.attribute)
          return tables::validation(
              "TimeToLive is active on a different AttributeName: current AttributeName is " +
              setting.attribute);
        if (enable == setting.enabled)
          return tables::validation(enable ? "TimeToLive is already enabled"
                                           : "TimeToLive is already disabled");
        setting = {.enabled = enable, .filled = false, .attribute = enable ? attribute : ""};
        return std::nullopt;
      });
  if (!changed) co_return std::unexpected(std::move(changed).error());
  d::UpdateTimeToLiveOutput output;
  output.time_to_live_specification = wanted;
  co_return output;
}

wire::Checks anywhere(const char* action) {
  return wire::Checks{{.action = action, .resource = "*"}};
}

}  // namespace

void register_account(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::DescribeLimits>(
      [](const Context&, const d::DescribeLimitsInput&) {
        return anywhere("dynamodb:DescribeLimits");
      },
      [](const Context&, auto input) { return limits(std::move(input)); });
  registry.add<d::op::DescribeEndpoints>(
      [](const Context&, const d::DescribeEndpointsRequest&) {
        return anywhere("dynamodb:DescribeEndpoints");
      },
      [](const Context& context, auto input) { return endpoints(context, std::move(input)); });
  registry.add<d::op::DescribeTimeToLive>(
      [&deps](const Context& context,
              const d::DescribeTimeToLiveInput& input) -> api::Outcome<wire::Checks> {
        const auto name = control_table(context, input.table_name);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{table_check(deps, "dynamodb:DescribeTimeToLive", *name)};
      },
      [&deps](const Context& context, auto input) {
        return time_to_live(deps, context, std::move(input));
      });
  registry.add<d::op::UpdateTimeToLive>(
      [&deps](const Context& context,
              const d::UpdateTimeToLiveInput& input) -> api::Outcome<wire::Checks> {
        const auto name = control_table(context, input.table_name);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{table_check(deps, "dynamodb:UpdateTimeToLive", *name)};
      },
      [&deps](const Context& context, auto input) {
        return update_time_to_live(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
