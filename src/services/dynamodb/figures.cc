#include "services/dynamodb/figures.h"

#include <algorithm>
#include <array>

#include "tables/partiql/syntax.h"

namespace services::dynamodb {
namespace {

using metrics::Family;
using metrics::Metric;
using metrics::Sample;

constexpr std::string_view kSpace = "AWS/DynamoDB";

enum TableMetric : std::uint8_t { kReadUnits, kWriteUnits, kConditionFailed };
constexpr Metric kTableMetrics[] = {{"ConsumedReadCapacityUnits", "Count"},
                                    {"ConsumedWriteCapacityUnits", "Count"},
                                    {"ConditionalCheckFailedRequests", "Count"}};
constexpr Family kTables{kSpace, {"TableName"}, kTableMetrics};

enum OperationMetric : std::uint8_t { kLatency, kItems, kSystemErrors, kThrottled };
constexpr Metric kOperationMetrics[] = {{"SuccessfulRequestLatency", "Milliseconds"},
                                        {"ReturnedItemCount", "Count"},
                                        {"SystemErrors", "Count"},
                                        {"ThrottledRequests", "Count"}};
constexpr Family kOperations{kSpace, {"TableName", "Operation"}, kOperationMetrics};

constexpr Metric kRegionMetrics[] = {{"UserErrors", "Count"}};
constexpr Family kRegion{kSpace, {}, kRegionMetrics};

// Of a name or an ARN.
std::string_view name_of(std::string_view table) {
  const std::size_t slash = table.rfind('/');
  return slash == std::string_view::npos ? table : table.substr(slash + 1);
}

}  // namespace

bool Measured::is_write(std::string_view operation) {
  constexpr std::array<std::string_view, 5> kReads = {"GetItem", "BatchGetItem", "Query", "Scan",
                                                      "TransactGetItems"};
  return std::ranges::find(kReads, operation) == kReads.end();
}

Figures::Target Figures::target_of(const std::string& statement) {
  const auto syntax = tables::partiql::parse(statement);
  if (!syntax) return {};
  return {.table = syntax->source.components.front(),
          .writes = syntax->kind != tables::partiql::StatementSyntax::Kind::kSelect};
}

void Figures::succeeded(const Call& call, const Capacity& capacity,
                        std::optional<std::int32_t> items) const {
  if (!capacity.table_name) return;
  const std::string& account = call.context.account_id;
  const std::string& region = call.context.region;
  const std::string_view table = name_of(*capacity.table_name);
  const base::Timestamp now = deps_.clock.now();
  const double ms =
      std::chrono::duration<double, std::milli>(deps_.clock.steady_now() - call.began).count();
  const double units = capacity.capacity_units.value_or(0);
  const auto which = static_cast<std::uint8_t>(call.writes ? kWriteUnits : kReadUnits);
  deps_.recorder->record({kTables, account, region, {table}}, now, {{which, units}});
  const metrics::Source operation{kOperations, account, region, {table, call.operation}};
  deps_.recorder->record(operation, now, {{kLatency, ms}});
  if (items) deps_.recorder->record(operation, now, {{kItems, static_cast<double>(*items)}});
}

void Figures::failed(const Call& call, const std::string& table, const api::Error& error) const {
  const std::string& account = call.context.account_id;
  const std::string& region = call.context.region;
  const std::string_view name = name_of(table);
  const base::Timestamp now = deps_.clock.now();
  if (error.status >= 500) {
    if (name.empty()) return;
    deps_.recorder->record({kOperations, account, region, {name, call.operation}}, now,
                           {{kSystemErrors, 1}});
  } else if (error.code == "ProvisionedThroughputExceededException" ||
             error.code == "ThrottlingException") {
    if (name.empty()) return;
    deps_.recorder->record({kOperations, account, region, {name, call.operation}}, now,
                           {{kThrottled, 1}});
  } else if (error.code == "ConditionalCheckFailedException" && !name.empty()) {
    deps_.recorder->record({kTables, account, region, {name}}, now, {{kConditionFailed, 1}});
  } else {
    deps_.recorder->record({kRegion, account, region, {}}, now, {{0, 1}});
  }
}

}  // namespace services::dynamodb
