// ExecuteStatement, and what the operations of PartiQL share.

#include "services/dynamodb/statements.h"

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "base/digest.h"
#include "services/dynamodb/throttling.h"
#include "tables/item.h"
#include "tables/record.h"

namespace services::dynamodb {

namespace {

using expression::Condition;
using expression::Operand;
using Kind = partiql::Statement::Kind;
using tables::Write;

Condition existence(const tables::Definition& definition, bool exists) {
  Condition made;
  made.kind = exists ? Condition::Kind::kExists : Condition::Kind::kNotExists;
  made.operands.push_back(Operand::of(expression::path_of(definition.keys.hash.name)));
  return made;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return "[" + text + "]";
}

std::string_view action_of(Kind kind) {
  switch (kind) {
    case Kind::kInsert: return "dynamodb:PartiQLInsert";
    case Kind::kUpdate: return "dynamodb:PartiQLUpdate";
    case Kind::kDelete: return "dynamodb:PartiQLDelete";
    default: return "dynamodb:PartiQLSelect";
  }
}

std::vector<std::string> attributes_of(const partiql::Statement& statement) {
  std::vector<std::string> names;
  std::vector<const expression::Path*> paths;
  for (const auto& column : statement.columns) paths.push_back(&column.path);
  if (statement.where) expression::collect_paths(*statement.where, paths);
  for (const auto& action : statement.update.actions) {
    paths.push_back(&action.path);
    if (action.kind == expression::Action::Kind::kSet)
      expression::collect_paths(action.value, paths);
  }
  for (const auto* path : paths) names.push_back(path->front().name);
  return names;
}

// The keys that the statement names, and whether it looks at everything.
void add_reach(auth::Check& check, const Deps& deps, const partiql::Statement& statement,
               const tables::TableName& name) {
  const auto table = deps.tables.catalogue().find(name);
  if (!table) return;
  const auto definition = table->definition();
  if (statement.kind == Kind::kInsert) {
    add_leading_key(check, deps, name, statement.item);
    return;
  }
  if (!statement.reads()) {
    if (const auto item = partiql::item_of(*definition, statement))
      add_leading_key(check, deps, name, item->key);
    return;
  }
  const tables::Index* const index =
      statement.index ? definition->find_index(*statement.index) : nullptr;
  const auto plan = partiql::plan_read(*definition, index, statement);
  if (!plan) return;
  check.context.push_back({"dynamodb:FullTableScan", {plan->keyed ? "false" : "true"}});
  const std::string& hash = definition->keys.hash.name;
  if (index != nullptr && index->keys.hash.name != hash) return;
  for (const auto& stretch : plan->stretches)
    add_leading_key(check, deps, name, {{hash, stretch.hash}});
}

std::optional<std::string> returned(const partiql::Statement& statement) {
  switch (statement.returning) {
    case partiql::Returning::kAllOld: return "ALL_OLD";
    case partiql::Returning::kAllNew: return "ALL_NEW";
    case partiql::Returning::kModifiedOld: return "UPDATED_OLD";
    case partiql::Returning::kModifiedNew: return "UPDATED_NEW";
    case partiql::Returning::kNone: return std::nullopt;
  }
  return std::nullopt;
}

// What binds a token to its request. Not the limit, and not how consistent the reading is.
std::string fingerprint(const Bound& bound, const d::ExecuteStatementInput& input) {
  tables::ByteWriter bytes;
  bytes.bytes(bound.definition->uuid);
  bytes.bytes(*input.statement);
  if (input.parameters)
    bytes.bytes(tables::encode_item({{"p", tables::Value::of_l(*input.parameters)}}));
  return base::sha256(bytes.take());
}

api::Outcome<partiql::Statement> compile_input(d::ExecuteStatementInput& input) {
  if (auto wrong = check_parameters(input.parameters)) return std::unexpected(*std::move(wrong));
  auto statement = compile_statement(*input.statement, input.parameters);
  if (statement && statement->kind == Kind::kExists)
    return tables::refuse("EXISTS can only be used in ExecuteTransaction write requests.");
  return statement;
}

Answer<Outcome> run(const Deps& deps, Bound bound, const d::ExecuteStatementInput& input) {
  if (!bound.statement.reads()) {
    auto written = co_await write_statement(
        deps, std::move(bound), input.return_values_on_condition_check_failure == "ALL_OLD");
    co_return written;
  }
  const bool consistent = input.consistent_read.value_or(false);
  auto plan = plan_statement(bound, consistent);
  if (!plan) co_return tables::refuse(std::move(plan).error().text);
  std::string mark = fingerprint(bound, input);
  Reading reading{.bound = std::move(bound),
                  .plan = *std::move(plan),
                  .consistent = consistent,
                  .limit = input.limit,
                  .fingerprint = std::move(mark),
                  .token = input.next_token};
  auto read = co_await read_statement(deps, std::move(reading));
  co_return read;
}

Answer<d::ExecuteStatementOutput> execute(const Deps& deps, const Context& context,
                                          d::ExecuteStatementInput input) {
  auto statement = compile_input(input);
  if (!statement) co_return std::unexpected(std::move(statement).error());
  auto bound = bind(deps, context, *std::move(statement));
  if (!bound) co_return std::unexpected(std::move(bound).error());
  const tables::TableName name = bound->name;
  const auto definition = bound->definition;
  auto done = co_await run(deps, *std::move(bound), input);
  if (!done) co_return std::unexpected(std::move(done).error());
  d::ExecuteStatementOutput output;
  output.items = std::move(done->items);
  output.next_token = std::move(done->next_token);
  output.last_evaluated_key = std::move(done->last);
  output.consumed_capacity =
      consumed(input.return_consumed_capacity, name, *definition, done->units);
  co_return output;
}

api::Outcome<wire::Checks> permission(const Deps& deps, const Context& context,
                                      d::ExecuteStatementInput input) {
  const auto statement = compile_input(input);
  if (!statement) return std::unexpected(statement.error());
  const auto name = item_table(context, statement->table);
  if (!name) return std::unexpected(name.error());
  auth::Check check = statement_check(deps, *statement, *name);
  add_context(check, "dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity);
  return wire::Checks{std::move(check)};
}

}  // namespace

std::optional<api::Error> check_parameters(Parameters& parameters) {
  if (!parameters) return std::nullopt;
  for (tables::Value& one : *parameters) {
    if (auto wrong = tables::normalise(one)) return tables::validation(*std::move(wrong));
  }
  return std::nullopt;
}

api::Outcome<partiql::Statement> compile_statement(const std::string& text,
                                                   const Parameters& parameters) {
  static const std::vector<tables::Value> kNone;
  auto made = partiql::compile(text, parameters ? *parameters : kNone);
  if (!made) return tables::refuse(std::move(made).error());
  if (auto wrong = normalise_all(made->item)) return std::unexpected(*std::move(wrong));
  return *std::move(made);
}

api::Outcome<Bound> bind(const Deps& deps, const Context& context, partiql::Statement statement) {
  auto name = item_table(context, statement.table);
  if (!name) return std::unexpected(std::move(name).error());
  auto table = find_table(deps, *name);
  if (!table) return std::unexpected(std::move(table).error());
  Bound bound{.statement = std::move(statement),
              .name = *std::move(name),
              .table = *table,
              .definition = (*table)->definition()};
  if (bound.statement.index) bound.index = bound.definition->find_index(*bound.statement.index);
  return bound;
}

std::expected<partiql::ReadPlan, partiql::Refused> plan_statement(const Bound& bound,
                                                                  bool consistent) {
  const auto refuse = [](std::string text) {
    return std::unexpected(partiql::Refused{std::move(text)});
  };
  const tables::Index* const index = bound.index;
  if (bound.statement.index && index == nullptr)
    return refuse("The table does not have the specified index");
  if (index != nullptr) {
    if (index->global && consistent)
      return refuse("Strongly consistent read is not supported on Global Secondary Indexes");
    if (index->state == tables::Index::State::kCreating)
      return refuse("Cannot read from backfilling global secondary index: " + index->name);
  }
  auto plan = partiql::plan_read(*bound.definition, index, bound.statement);
  if (!plan || index == nullptr) return plan;
  std::vector<std::string> absent;
  for (const auto& column : bound.statement.columns) {
    if (!index->projects(bound.definition->keys, column.path.front().name))
      absent.push_back(column.path.front().name);
  }
  const std::string wrong = "One or more parameter values were invalid: ";
  if (!absent.empty() && index->global)
    return refuse(wrong + "Global secondary index " + index->name + " does not project " +
                  joined(absent));
  if (!plan->absent.empty())
    return refuse(wrong + "Secondary index " + index->name +
                  " does not project one or more filter attributes: " + joined(plan->absent));
  return plan;
}

std::expected<Write, NoItem> write_of(const Bound& bound) {
  const partiql::Statement& statement = bound.statement;
  Write write;
  if (statement.kind == Kind::kInsert) {
    write.kind = Write::Kind::kPut;
    write.item = tables::Item(statement.item);
    write.condition = existence(*bound.definition, false);
    return write;
  }
  auto item = partiql::item_of(*bound.definition, statement);
  if (!item) return std::unexpected(NoItem{});
  const bool checks = statement.kind == Kind::kExists;
  if (item->conflict && !checks)
    return std::unexpected(NoItem{NoItem::Why::kTwoValues, *item->conflict});
  write.item = std::move(item->key);
  write.condition = std::move(item->condition);
  if (checks) {
    write.kind = Write::Kind::kCheck;
    if (!write.condition) return std::unexpected(NoItem{});
  } else if (statement.kind == Kind::kUpdate) {
    // Only what is there is updated.
    write.kind = Write::Kind::kUpdate;
    write.update = statement.update;
    if (!write.condition) write.condition.emplace();
    write.condition->children.push_back(existence(*bound.definition, true));
  } else {
    // What is not there is deleted, whatever is asked of it.
    write.kind = Write::Kind::kDelete;
    if (!write.condition) return write;
    Condition either;
    either.kind = Condition::Kind::kOr;
    either.children.push_back(existence(*bound.definition, false));
    either.children.push_back(*std::move(write.condition));
    write.condition = std::move(either);
  }
  return write;
}

api::Error reworded(const partiql::Statement& statement, api::Error error) {
  if (statement.kind == Kind::kInsert && error.code == "ConditionalCheckFailedException")
    return api::dynamodb::duplicate_item(kDuplicateItem);
  constexpr std::string_view kTooDeep = "Nesting Levels have exceeded supported limits";
  if (error.message.starts_with(kTooDeep)) error.message = kTooDeep;
  return error;
}

Answer<Outcome> write_statement(const Deps& deps, Bound bound, bool old_item_on_failure) {
  auto write = write_of(bound);
  if (!write && write.error().why == NoItem::Why::kTwoValues)
    co_return tables::refuse("Multiple conditions on same key " + write.error().attribute +
                             ". Only single item Update/Insert/Delete are supported");
  if (!write)
    co_return tables::refuse(
        "Where clause does not contain a mandatory equality on all key attributes");
  write->old_item_on_failure = old_item_on_failure;
  const Write shown{.kind = write->kind, .update = write->update};
  const Drawing drawing(bound.table, *write->item);
  if (auto refused = refuse_write(drawing.drawn(deps), drawing.key))
    co_return std::unexpected(*std::move(refused));
  auto written = co_await deps.tables.writer().write(bound.table, *std::move(write));
  if (!written) co_return std::unexpected(reworded(bound.statement, std::move(written).error()));
  charge_write(drawing.drawn(deps), drawing.key, *written);
  Outcome outcome;
  outcome.units = {written->table_units, written->index_units};
  auto item = written->returned(return_values(returned(bound.statement)), shown);
  if (item) outcome.items.push_back(*std::move(item));
  co_return outcome;
}

auth::Check statement_check(const Deps& deps, const partiql::Statement& statement,
                            const tables::TableName& name, const char* enclosing) {
  auth::Check check =
      table_check(deps, std::string(action_of(statement.kind)), name, statement.index);
  Attributes attributes;
  attributes.add(attributes_of(statement));
  attributes.add(statement.item);
  add_reach(check, deps, statement, name);
  if (statement.reads())
    check.context.push_back(
        {"dynamodb:Select",
         {statement.columns.empty() ? "ALL_ATTRIBUTES" : "SPECIFIC_ATTRIBUTES"}});
  add_context(check, "dynamodb:ReturnValues", returned(statement));
  if (enclosing != nullptr) check.context.push_back({"dynamodb:EnclosingOperation", {enclosing}});
  std::move(attributes).into(check);
  return check;
}

void register_statements(Measured& registry, const Deps& deps) {
  registry.add<d::op::ExecuteStatement>(
      [&deps](const Context& context, const d::ExecuteStatementInput& input) {
        return permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return execute(deps, context, std::move(input));
      });
  register_statement_batches(registry, deps);
  register_statement_transactions(registry, deps);
}

}  // namespace services::dynamodb
