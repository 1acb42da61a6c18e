#include "services/dynamodb/throttling.h"

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "base/encoding.h"

namespace services::dynamodb {

namespace {

using tables::Index;
using tables::Limit;

enum Event : std::uint8_t { kReadEvents, kWriteEvents };
constexpr metrics::Metric kEvents[] = {{"ReadThrottleEvents", "Count"},
                                       {"WriteThrottleEvents", "Count"}};
constexpr metrics::Family kTableEvents{"AWS/DynamoDB", {"TableName"}, kEvents};
constexpr metrics::Family kIndexEvents{
    "AWS/DynamoDB", {"TableName", "GlobalSecondaryIndexName"}, kEvents};

constexpr const char* kTableProvisioned =
    "The level of configured provisioned throughput for the table was exceeded. Consider "
    "increasing your provisioning level with the UpdateTable API.";
constexpr const char* kIndexProvisioned =
    "The level of configured provisioned throughput for one or more global secondary indexes of "
    "the table was exceeded. Consider increasing your provisioning level for the "
    "under-provisioned global secondary indexes with the UpdateTable API.";
constexpr const char* kTableOnDemand =
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically "
    "scaling your table or index so please try again shortly. If exceptions persist, check if you "
    "have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "bp-partition-key-design.html.";
constexpr const char* kIndexOnDemand =
    "Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is "
    "automatically scaling your index so please try again shortly.";
constexpr const char* kMaximum =
    "Throughput exceeds the maximum OnDemandThroughput configured on table or index.";

tables::Draw draw_of(const Drawn& drawn, const Index* index, bool writes, const tables::Item* key) {
  tables::Draw draw{.table = drawn.definition, .index = index, .writes = writes};
  const bool of_index = index != nullptr && index->global;
  const tables::KeySchema& keys = of_index ? index->keys : drawn.definition.keys;
  // Keys that are not valid are refused later, in other words.
  const bool whole = key != nullptr && !keys.each([&](const tables::KeyAttribute& one, bool hash) {
    const auto at = key->find(one.name);
    return hash && (at == key->end() || at->second.member() != one.type);
  });
  if (whole) draw.hash = base::read_u16(tables::encode_partition(keys, *key));
  const tables::Counts counts = drawn.table.counts();
  const auto count = counts.find(of_index ? index->id : tables::IndexId(0));
  if (count != counts.end()) draw.bytes = count->second.bytes;
  return draw;
}

std::string reason_of(const tables::Draw& draw, bool of_index, Limit limit) {
  std::string reason = of_index ? "Index" : "Table";
  reason += draw.writes ? "Write" : "Read";
  switch (limit) {
    case Limit::kProvisioned: return reason + "ProvisionedThroughputExceeded";
    case Limit::kMaxOnDemand: return reason + "MaxOnDemandThroughputExceeded";
    case Limit::kAccount: return reason + "AccountLimitExceeded";
    case Limit::kKeyRange: return reason + "KeyRangeThroughputExceeded";
  }
  return reason;
}

template <class Detail>
api::Error with_reason(api::Error error, const api::Shape& shape, std::string reason,
                       std::string resource) {
  auto detail = std::make_shared<Detail>();
  detail->message = error.message;
  auto& one = detail->throttling_reasons.emplace().emplace_back();
  one.reason = std::move(reason);
  one.resource = std::move(resource);
  error.detail = std::move(detail);
  error.detail_shape = &shape;
  return error;
}

api::Error error_of(const Drawn& drawn, const tables::Draw& draw, Limit limit) {
  const bool of_index = draw.index != nullptr && draw.index->global;
  std::string reason = reason_of(draw, of_index, limit);
  std::string resource =
      of_index ? drawn.definition.index_arn(*draw.index) : drawn.definition.arn();
  if (!drawn.definition.on_demand)
    return with_reason<d::ProvisionedThroughputExceededException>(
        d::provisioned_throughput_exceeded(of_index ? kIndexProvisioned : kTableProvisioned),
        d::kProvisionedThroughputExceededExceptionShape, std::move(reason), std::move(resource));
  const char* text = limit == Limit::kMaxOnDemand ? kMaximum : kTableOnDemand;
  if (of_index && draw.writes && limit != Limit::kMaxOnDemand) text = kIndexOnDemand;
  return with_reason<d::ThrottlingException>(d::throttling(text), d::kThrottlingExceptionShape,
                                             std::move(reason), std::move(resource));
}

std::optional<api::Error> refuse(const Drawn& drawn, const tables::Draw& draw) {
  const auto limit = drawn.deps.throttle->check(draw);
  if (!limit) return std::nullopt;
  if (drawn.deps.recorder != nullptr) {
    const auto& definition = drawn.definition;
    const bool of_index = draw.index != nullptr && draw.index->global;
    const metrics::Source table{
        kTableEvents, definition.account, definition.region, {definition.name}};
    const metrics::Source index{
        kIndexEvents,
        definition.account,
        definition.region,
        {definition.name, of_index ? std::string_view(draw.index->name) : std::string_view()}};
    const std::uint8_t event = draw.writes ? kWriteEvents : kReadEvents;
    drawn.deps.recorder->record(of_index ? index : table, drawn.deps.clock.now(), {{event, 1}});
  }
  return error_of(drawn, draw, *limit);
}

}  // namespace

std::optional<api::Error> refuse_read(const Drawn& drawn, const Index* index,
                                      const tables::Item* key) {
  if (drawn.deps.throttle == nullptr) return std::nullopt;
  return refuse(drawn, draw_of(drawn, index, false, key));
}

std::optional<api::Error> refuse_write(const Drawn& drawn, const tables::Item& key) {
  if (drawn.deps.throttle == nullptr) return std::nullopt;
  if (auto refused = refuse(drawn, draw_of(drawn, nullptr, true, &key))) return refused;
  // Which indexes the write will touch is not known yet: any that is behind holds it back.
  for (const Index& index : drawn.definition.indexes) {
    if (!index.global) continue;
    if (auto refused = refuse(drawn, draw_of(drawn, &index, true, nullptr))) return refused;
  }
  return std::nullopt;
}

void charge_read(const Drawn& drawn, const Index* index, const tables::Item* key, double units) {
  if (drawn.deps.throttle == nullptr) return;
  drawn.deps.throttle->charge(draw_of(drawn, index, false, key), units);
}

void charge_write(const Drawn& drawn, const tables::Item& key, const tables::Written& written,
                  double factor) {
  if (drawn.deps.throttle == nullptr) return;
  drawn.deps.throttle->charge(draw_of(drawn, nullptr, true, &key), written.table_units * factor);
  for (const auto& [name, units] : written.index_units) {
    const Index* const index = drawn.definition.find_index(name);
    if (index != nullptr)
      drawn.deps.throttle->charge(draw_of(drawn, index, true, nullptr), units * factor);
  }
}

std::optional<api::Error> cancelled_by(const std::vector<std::optional<api::Error>>& refusals) {
  const auto any = [](const auto& refusal) { return refusal.has_value(); };
  if (std::ranges::none_of(refusals, any)) return std::nullopt;
  auto detail = std::make_shared<d::TransactionCanceledException>();
  std::string codes;
  auto& reasons = detail->cancellation_reasons.emplace();
  for (const auto& refusal : refusals) {
    auto& reason = reasons.emplace_back();
    reason.code = "None";
    if (refusal) {
      reason.code = refusal->code == "ThrottlingException" ? "ThrottlingError"
                                                           : "ProvisionedThroughputExceeded";
      reason.message = refusal->message;
    }
    codes += (codes.empty() ? "" : ", ") + *reason.code;
  }
  api::Error made = d::transaction_canceled(
      "Transaction cancelled, please refer cancellation reasons for specific reasons [" + codes +
      "]");
  detail->message = made.message;
  made.detail = std::move(detail);
  made.detail_shape = &d::kTransactionCanceledExceptionShape;
  return made;
}

}  // namespace services::dynamodb
