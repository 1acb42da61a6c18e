// What there is to say of global tables where there is one region to each table: none exists, and
// none can be made.

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "services/dynamodb/common.h"

namespace services::dynamodb {

namespace {

// One operation says it twice.
api::Error no_global_table(std::string_view before, const std::string& name) {
  return d::global_table_not_found(std::string(before) + "Global table with name: '" + name +
                                   "' does not exist.");
}

api::Error wrong_length() {
  return tables::validation(
      "TableName must be at least 3 characters long and at most 255 characters long");
}

api::Error too_old() {
  return tables::invalid_parameter(
      "DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB "
      "global tables version 2019.11.21, instead of version 2017.11.29 (Legacy).");
}

Answer<d::ListGlobalTablesOutput> list(d::ListGlobalTablesInput) {
  d::ListGlobalTablesOutput output;
  output.global_tables.emplace();
  co_return output;
}

template <class Op>
Answer<typename Op::Output> refuse(api::Error error) {
  co_return std::unexpected(std::move(error));
}

// Of the operations of the first version, which know global tables by their names.
template <class Input>
auto on_global_table(const char* action) {
  return [action](const Context& context, const Input& input) {
    return wire::Checks{{.action = action,
                         .resource = "arn:aws:dynamodb::" + context.account_id + ":global-table/" +
                                     input.global_table_name.value_or("")}};
  };
}

template <class Op>
void add_unknown(wire::Registry& registry, const char* action, const char* before) {
  registry.add<Op>(
      on_global_table<typename Op::Input>(action), [before](const Context&, auto input) {
        const std::string name = input.global_table_name.value_or("");
        return refuse<Op>(has_name_length(name) ? no_global_table(before, name) : wrong_length());
      });
}

// The version is said before anything else of what would make a replica.
api::Error why_not(const d::UpdateGlobalTableInput& input) {
  const auto makes = [](const d::ReplicaUpdate& one) { return one.create.has_value(); };
  const auto& updates = *input.replica_updates;
  if (std::ranges::any_of(updates, makes)) return too_old();
  const auto is_empty = [](const d::ReplicaUpdate& one) { return !one.create && !one.delete_; };
  if (updates.empty() || std::ranges::any_of(updates, is_empty))
    return tables::validation("One or more parameter values were invalid");
  return no_global_table("", input.global_table_name.value_or(""));
}

template <class Op>
void add_scaling(wire::Registry& registry, const Deps& deps, const char* action) {
  registry.add<Op>(
      [&deps, action](const Context& context,
                      const typename Op::Input& input) -> api::Outcome<wire::Checks> {
        const auto name = control_table(context, input.table_name);
        if (!name) return std::unexpected(name.error());
        return wire::Checks{table_check(deps, action, *name)};
      },
      [](const Context& context, auto input) {
        const auto name = control_table(context, input.table_name);
        return refuse<Op>(name ? d::resource_not_found("Global table with name: '" + name->name +
                                                       "' does not exist.")
                               : name.error());
      });
}

}  // namespace

void register_global_tables(wire::Registry& registry, const Deps& deps) {
  registry.add<d::op::ListGlobalTables>(
      [](const Context&, const d::ListGlobalTablesInput&) {
        return wire::Checks{{.action = "dynamodb:ListGlobalTables", .resource = "*"}};
      },
      [](const Context&, auto input) { return list(std::move(input)); });
  add_unknown<d::op::DescribeGlobalTable>(registry, "dynamodb:DescribeGlobalTable",
                                          "Global table not found: ");
  add_unknown<d::op::DescribeGlobalTableSettings>(registry, "dynamodb:DescribeGlobalTableSettings",
                                                  "");
  add_unknown<d::op::UpdateGlobalTableSettings>(registry, "dynamodb:UpdateGlobalTableSettings", "");
  registry.add<d::op::CreateGlobalTable>(
      on_global_table<d::CreateGlobalTableInput>("dynamodb:CreateGlobalTable"),
      [](const Context&, auto) { return refuse<d::op::CreateGlobalTable>(too_old()); });
  registry.add<d::op::UpdateGlobalTable>(
      on_global_table<d::UpdateGlobalTableInput>("dynamodb:UpdateGlobalTable"),
      [](const Context&, auto input) { return refuse<d::op::UpdateGlobalTable>(why_not(input)); });
  add_scaling<d::op::DescribeTableReplicaAutoScaling>(registry, deps,
                                                      "dynamodb:DescribeTableReplicaAutoScaling");
  add_scaling<d::op::UpdateTableReplicaAutoScaling>(registry, deps,
                                                    "dynamodb:UpdateTableReplicaAutoScaling");
}

}  // namespace services::dynamodb
