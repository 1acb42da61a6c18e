// CreateTable, DescribeTable, ListTables, UpdateTable, DeleteTable.

#include "services/dynamodb/schema.h"

namespace services::dynamodb {

namespace {

constexpr std::size_t kListMax = 100;

Answer<d::CreateTableOutput> create(const Deps& deps, const Context& context,
                                    d::CreateTableInput input) {
  const auto name = item_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  auto wanted = read_definition(*name, input, deps.clock.now());
  if (!wanted) co_return std::unexpected(std::move(wanted).error());
  auto table = co_await deps.tables.catalogue().create(*std::move(wanted));
  if (!table) co_return std::unexpected(std::move(table).error());
  d::CreateTableOutput output;
  output.table_description = describe(deps, **table, *(*table)->definition(), "CREATING");
  co_return output;
}

Answer<d::DescribeTableOutput> describe_table(const Deps& deps, const Context& context,
                                              d::DescribeTableInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(tables::no_such_table(name->name));
  d::DescribeTableOutput output;
  output.table = describe(deps, *table, *table->definition(), "ACTIVE");
  co_return output;
}

Answer<d::ListTablesOutput> list(const Deps& deps, const Context& context,
                                 d::ListTablesInput input) {
  const auto limit = static_cast<std::size_t>(input.limit.value_or(kListMax));
  auto names = deps.tables.catalogue().names(
      context.account_id, context.region, input.exclusive_start_table_name.value_or(""), limit + 1);
  d::ListTablesOutput output;
  if (names.size() > limit) {
    names.resize(limit);
    output.last_evaluated_table_name = names.back();
  }
  output.table_names = std::move(names);
  co_return output;
}

Answer<d::UpdateTableOutput> update(const Deps& deps, const Context& context,
                                    d::UpdateTableInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  if (auto wrong = check_update(input)) co_return std::unexpected(*std::move(wrong));
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(tables::no_such_table(name->name));
  // `input` lives in this frame for as long as the change runs.
  const d::UpdateTableInput* const wanted = &input;
  const base::Timestamp now = deps.clock.now();
  auto changed = co_await deps.tables.catalogue().change(
      *name,
      [wanted, now](tables::Definition& edited) { return apply_update(edited, *wanted, now); });
  if (!changed) co_return std::unexpected(std::move(changed).error());
  d::UpdateTableOutput output;
  output.table_description = describe(deps, *table, **changed, "UPDATING");
  co_return output;
}

Answer<d::DeleteTableOutput> remove(const Deps& deps, const Context& context,
                                    d::DeleteTableInput input) {
  const auto name = control_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  const auto table = deps.tables.catalogue().find(*name);
  if (!table) co_return std::unexpected(tables::no_such_table(name->name));
  auto removed = co_await deps.tables.catalogue().remove(*name);
  if (!removed) co_return std::unexpected(std::move(removed).error());
  d::TableDescription shown = describe(deps, *table, **removed, "DELETING");
  // AWS shows less of a table that is going.
  d::DeleteTableOutput output;
  auto& description = output.table_description.emplace();
  description.table_name = std::move(shown.table_name);
  description.table_status = std::move(shown.table_status);
  description.provisioned_throughput = std::move(shown.provisioned_throughput);
  description.table_size_bytes = shown.table_size_bytes;
  description.item_count = shown.item_count;
  description.table_arn = std::move(shown.table_arn);
  description.table_id = std::move(shown.table_id);
  description.billing_mode_summary = std::move(shown.billing_mode_summary);
  description.deletion_protection_enabled = shown.deletion_protection_enabled;
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

void register_tables(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::CreateTable>(
      [&deps](const Context& context,
              const d::CreateTableInput& input) -> api::Outcome<wire::Checks> {
        const auto name = item_table(context, input.table_name);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{table_check(deps, "dynamodb:CreateTable", *name)};
      },
      [&deps](const Context& context, auto input) {
        return create(deps, context, std::move(input));
      });
  registry.add<d::op::DescribeTable>(
      on_table<d::DescribeTableInput>(deps, "dynamodb:DescribeTable"),
      [&deps](const Context& context, auto input) {
        return describe_table(deps, context, std::move(input));
      });
  registry.add<d::op::ListTables>(
      [](const Context&, const d::ListTablesInput&) {
        return wire::Checks{{.action = "dynamodb:ListTables", .resource = "*"}};
      },
      [&deps](const Context& context, auto input) {
        return list(deps, context, std::move(input));
      });
  registry.add<d::op::UpdateTable>(on_table<d::UpdateTableInput>(deps, "dynamodb:UpdateTable"),
                                   [&deps](const Context& context, auto input) {
                                     return update(deps, context, std::move(input));
                                   });
  registry.add<d::op::DeleteTable>(on_table<d::DeleteTableInput>(deps, "dynamodb:DeleteTable"),
                                   [&deps](const Context& context, auto input) {
                                     return remove(deps, context, std::move(input));
                                   });
}

}  // namespace services::dynamodb
