// DescribeContributorInsights, UpdateContributorInsights, ListContributorInsights: kept and shown.

#include <fmt/format.h>

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "base/encoding.h"
#include "services/dynamodb/common.h"

namespace services::dynamodb {

namespace {

using tables::Definition;
using tables::Insights;

constexpr std::size_t kPageMax = 100;
constexpr std::size_t kNamesAtOnce = 100;
constexpr const char* kAll = "ACCESSED_AND_THROTTLED_KEYS";
constexpr const char* kThrottled = "THROTTLED_KEYS";

const char* mode_of(const Insights& insights) {
  return insights.throttled_only ? kThrottled : kAll;
}

// Of the table, or of a global index; nullptr: no such index.
template <class AnyDefinition>
auto* slot_of(AnyDefinition& definition, const std::optional<std::string>& index) {
  if (!index) return &definition.insights;
  const auto found = std::ranges::find(definition.indexes, *index, &tables::Index::name);
  const bool there = found != definition.indexes.end() && found->global;
  return there ? &found->insights : nullptr;
}

api::Error no_index(const std::string& table, const std::string& index) {
  return d::resource_not_found("Requested resource not found: Index: " + index +
                               " not found for table: " + table);
}

// The length of a name is said here, not by the validator: so AWS does it.
std::optional<api::Error> check_index_name(const std::optional<std::string>& name) {
  if (!name || has_name_length(*name)) return std::nullopt;
  return tables::validation(
      "IndexName must be at least 3 characters long and at most 255 characters long");
}

api::Error not_active(std::string_view what) {
  return tables::validation(
      "Table or Index is not in a valid state to update Key Access Insights: " + std::string(what) +
      " must be ACTIVE to enable ContributorInsights.");
}

// Names of the rules that CloudWatch would have.
std::vector<std::string> rules_of(const Definition& definition,
                                  const std::optional<std::string>& index,
                                  const Insights& insights) {
  const tables::Index* const of = index ? definition.find_index(*index) : nullptr;
  const bool ranged = (of == nullptr ? definition.keys : of->keys).range.has_value();
  const std::string resource = definition.name + (index ? "-" + *index : "");
  std::vector<std::string> names;
  for (const char* const kind : {"PKC", "SKC", "PKT", "SKT"}) {
    const bool accessed = kind[2] == 'C';
    if ((accessed && insights.throttled_only) || (kind[0] == 'S' && !ranged)) continue;
    names.push_back(fmt::format("DynamoDBContributorInsights-{}-{}-{}", kind, resource,
                                base::to_epoch_ms(*insights.updated)));
  }
  return names;
}

Answer<d::DescribeContributorInsightsOutput> describe_insights(
    const Deps& deps, const Context& context, d::DescribeContributorInsightsInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  if (auto wrong = check_index_name(input.index_name)) co_return std::unexpected(*wrong);
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(tables::no_such_table(name->name));
  const auto definition = table->definition();
  const Insights* const insights = slot_of(*definition, input.index_name);
  if (insights == nullptr) co_return std::unexpected(no_index(name->name, *input.index_name));
  d::DescribeContributorInsightsOutput output;
  output.table_name = name->name;
  output.index_name = input.index_name;
  output.contributor_insights_status = insights->enabled ? "ENABLED" : "DISABLED";
  if (!insights->updated) co_return output;
  output.last_update_date_time = insights->updated;
  output.contributor_insights_mode = mode_of(*insights);
  if (insights->enabled)
    output.contributor_insights_rule_list = rules_of(*definition, input.index_name, *insights);
  co_return output;
}

Answer<d::UpdateContributorInsightsOutput> update(const Deps& deps, const Context& context,
                                                  d::UpdateContributorInsightsInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  if (auto wrong = check_index_name(input.index_name)) co_return std::unexpected(*wrong);
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(tables::no_such_table(name->name));
  if (deps.tables.catalogue().is_creating(*table->definition()))
    co_return std::unexpected(not_active("TableStatus"));
  const bool enable = input.contributor_insights_action == "ENABLE";
  d::UpdateContributorInsightsOutput output;
  output.table_name = name->name;
  output.index_name = input.index_name;
  const base::Timestamp now = deps.clock.now();
  const auto edit = [&](Definition& edited) -> std::optional<api::Error> {
    Insights* const slot = slot_of(edited, input.index_name);
    if (slot == nullptr) return no_index(name->name, *input.index_name);
    const tables::Index* const index =
        input.index_name ? edited.find_index(*input.index_name) : nullptr;
    if (index != nullptr && index->state == tables::Index::State::kCreating)
      return not_active("IndexStatus");
    // Without a mode it is the first one, whatever it was before.
    const bool throttled = input.contributor_insights_mode == kThrottled;
    const bool settled =
        enable ? slot->enabled && slot->throttled_only == throttled : !slot->enabled;
    if (settled) {
      output.contributor_insights_status = enable ? "ENABLED" : "DISABLED";
      if (enable) output.contributor_insights_mode = mode_of(*slot);
      return std::nullopt;
    }
    slot->enabled = enable;
    if (enable) slot->throttled_only = throttled;
    slot->updated = now;
    output.contributor_insights_status = enable ? "ENABLING" : "DISABLING";
    output.contributor_insights_mode = mode_of(*slot);
    return std::nullopt;
  };
  const auto changed = co_await deps.tables.catalogue().change(*name, edit);
  if (!changed) co_return std::unexpected(changed.error());
  co_return output;
}

// The table's first, then its indexes', those that are enabled.
std::vector<d::ContributorInsightsSummary> summaries_of(const Definition& definition) {
  std::vector<d::ContributorInsightsSummary> summaries;
  const auto add = [&](const Insights& insights, std::optional<std::string> index) {
    if (!insights.enabled) return;
    auto& one = summaries.emplace_back();
    one.table_name = definition.name;
    one.index_name = std::move(index);
    one.contributor_insights_status = "ENABLED";
    one.contributor_insights_mode = mode_of(insights);
  };
  add(definition.insights, std::nullopt);
  for (const tables::Index& index : definition.indexes) add(index.insights, index.name);
  return summaries;
}

std::vector<d::ContributorInsightsSummary> summaries_of_all(const Deps& deps,
                                                            const Context& context) {
  std::vector<d::ContributorInsightsSummary> all;
  std::string after;
  for (;;) {
    const auto names =
        deps.tables.catalogue().names(context.account_id, context.region, after, kNamesAtOnce);
    for (const std::string& name : names) {
      const auto table = deps.tables.catalogue().find({context.account_id, context.region, name});
      if (!table) continue;
      for (auto& one : summaries_of(*table->definition())) all.push_back(std::move(one));
    }
    if (names.size() < kNamesAtOnce) return all;
    after = names.back();
  }
}

// What a page ends with, as a token.
std::string token_of(const d::ContributorInsightsSummary& last) {
  return base::base64(last.table_name.value_or("") + '/' + last.index_name.value_or(""));
}

Answer<d::ListContributorInsightsOutput> list(const Deps& deps, const Context& context,
                                              d::ListContributorInsightsInput input) {
  std::vector<d::ContributorInsightsSummary> all;
  if (input.table_name) {
    const auto name = control_table(context, input.table_name);
    if (!name) co_return std::unexpected(name.error());
    const auto table = deps.tables.catalogue().find(*name);
    if (!table) co_return std::unexpected(tables::no_such_table(name->name));
    all = summaries_of(*table->definition());
  } else {
    all = summaries_of_all(deps, context);
  }
  auto from = all.begin();
  if (input.next_token) {
    from = std::ranges::find(all, *input.next_token, token_of);
    if (from == all.end()) co_return tables::refuse("The NextToken provided is invalid");
    ++from;
  }
  const std::size_t asked = static_cast<std::size_t>(input.max_results.value_or(0));
  const std::size_t limit = asked == 0 ? kPageMax : asked;
  const auto left = static_cast<std::size_t>(all.end() - from);
  const auto until = from + static_cast<std::ptrdiff_t>(std::min(limit, left));
  d::ListContributorInsightsOutput output;
  output.contributor_insights_summaries.emplace(from, until);
  if (until != all.end()) output.next_token = token_of(*(until - 1));
  co_return output;
}

template <class Input>
auto on_table(const Deps& deps, const char* action) {
  return [&deps, action](const Context& context, const Input& input) -> api::Outcome<wire::Checks> {
    const auto name = control_table(context, input.table_name);
    if (!name) return std::unexpected(name.error());
    return wire::Checks{table_check(deps, action, *name, input.index_name)};
  };
}

}  // namespace

void register_insights(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::DescribeContributorInsights>(
      on_table<d::DescribeContributorInsightsInput>(deps, "dynamodb:DescribeContributorInsights"),
      [&deps](const Context& context, auto input) {
        return describe_insights(deps, context, std::move(input));
      });
  registry.add<d::op::UpdateContributorInsights>(
      on_table<d::UpdateContributorInsightsInput>(deps, "dynamodb:UpdateContributorInsights"),
      [&deps](const Context& context, auto input) {
        return update(deps, context, std::move(input));
      });
  registry.add<d::op::ListContributorInsights>(
      [](const Context&, const d::ListContributorInsightsInput&) {
        return wire::Checks{{.action = "dynamodb:ListContributorInsights", .resource = "*"}};
      },
      [&deps](const Context& context, auto input) {
        return list(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
