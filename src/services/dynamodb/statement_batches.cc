// BatchExecuteStatement.

#include <algorithm>
#include <array>

#include "api/dynamodb/errors.h"
#include "async/when_all.h"
#include "services/dynamodb/statements.h"
#include "services/dynamodb/throttling.h"

namespace services::dynamodb {

namespace {

constexpr const char* kNeedsKey =
    "Select statements within BatchExecuteStatement must specify the primary key in the where "
    "clause.";

// What becomes of one statement of the batch.
struct Member {
  std::optional<partiql::Statement> statement;
  std::optional<Bound> bound;
  std::optional<api::Error> error;
  std::optional<tables::Item> item;
  std::optional<Units> units;
  bool consistent = false;
};

std::string short_code(const api::Error& error) {
  constexpr auto kCodes = std::to_array<std::pair<std::string_view, std::string_view>>(
      {{"AccessDeniedException", "AccessDenied"},
       {"ConditionalCheckFailedException", "ConditionalCheckFailed"},
       {"DuplicateItemException", "DuplicateItem"},
       {"ItemCollectionSizeLimitExceededException", "ItemCollectionSizeLimitExceeded"},
       {"ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded"},
       {"RequestLimitExceeded", "RequestLimitExceeded"},
       {"ResourceNotFoundException", "ResourceNotFound"},
       {"ThrottlingException", "ThrottlingError"},
       {"TransactionConflictException", "TransactionConflict"},
       {"ValidationException", "ValidationError"}});
  for (const auto& [code, short_form] : kCodes) {
    if (error.code == code) return std::string(short_form);
  }
  return "InternalServerError";
}

Member compile_member(d::BatchStatementRequest& request) {
  Member member{.consistent = request.consistent_read.value_or(false)};
  member.error = check_parameters(request.parameters);
  if (member.error) return member;
  auto statement = compile_statement(*request.statement, request.parameters);
  if (!statement) member.error = std::move(statement).error();
  else if (statement->kind == partiql::Statement::Kind::kExists)
    member.error =
        tables::validation("EXISTS can only be used in ExecuteTransaction write requests.");
  else member.statement = *std::move(statement);
  return member;
}

std::vector<Member> compile_batch(d::BatchExecuteStatementInput& input) {
  std::vector<Member> members;
  for (d::BatchStatementRequest& request : *input.statements)
    members.push_back(compile_member(request));
  return members;
}

bool mixes_reads_and_writes(const std::vector<Member>& members) {
  bool reads = false, writes = false;
  for (const Member& one : members) {
    if (!one.statement) continue;
    (one.statement->reads() ? reads : writes) = true;
  }
  return reads && writes;
}

api::Outcome<auth::Check> check_of(const Deps& deps, const Context& context,
                                   const partiql::Statement& statement) {
  const auto name = item_table(context, statement.table);
  if (!name) return std::unexpected(name.error());
  return statement_check(deps, statement, *name);
}

// Up to what needs the table, in AWS's order.
void prepare(const Deps& deps, const Context& context, Member& member) {
  if (member.error) return;
  const auto check = check_of(deps, context, *member.statement);
  if (!check) {
    member.error = check.error();
    return;
  }
  if (deps.authorizer != nullptr) {
    const auto allowed =
        deps.authorizer->authorize(*context.principal, {&*check, 1}, context.facts);
    if (!allowed) {
      member.error = auth::to_api_error(allowed.error(), auth::ErrorFamily::kJson);
      return;
    }
  }
  auto bound = bind(deps, context, *std::move(member.statement));
  if (bound) member.bound = *std::move(bound);
  else member.error = std::move(bound).error();
}

// The one item that a SELECT of a batch reads.
std::optional<tables::Item> read_key(Member& member) {
  if (member.bound->statement.index) {
    member.error = tables::validation(kNeedsKey);
    return std::nullopt;
  }
  auto plan = plan_statement(*member.bound, member.consistent);
  if (!plan) {
    member.error = tables::validation(std::move(plan).error().text);
    return std::nullopt;
  }
  const bool one = plan->only_keys && plan->stretches.size() == 1 && plan->stretches[0].key;
  if (one) return std::move(plan->stretches[0].key);
  member.error = tables::validation(kNeedsKey);
  return std::nullopt;
}

// Whether the statement got as far as its table shows in the answer.
async::Task<bool> run_member(const Deps& deps, Member& member) {
  if (member.error) co_return false;
  Bound& bound = *member.bound;
  if (!bound.statement.reads()) {
    if (!write_of(bound)) {
      auto refused = co_await write_statement(deps, bound, false);
      member.error = refused.error();
      co_return false;
    }
    auto written = co_await write_statement(deps, bound, false);
    if (!written) member.error = std::move(written).error();
    else member.units = std::move(written->units);
    if (written && !written->items.empty()) member.item = std::move(written->items.front());
    co_return true;
  }
  auto key = read_key(member);
  if (!key) co_return false;
  const Drawing drawing(bound.table, *key);
  if (auto refused = refuse_read(drawing.drawn(deps), nullptr, &drawing.key)) {
    member.error = *std::move(refused);
    co_return true;
  }
  auto item = co_await deps.tables.reader().get(bound.table, *std::move(key));
  if (!item) {
    member.error = std::move(item).error();
    co_return true;
  }
  const std::size_t bytes = *item ? tables::item_size(**item) : 1;
  member.units = Units{tables::read_units(bytes, member.consistent), {}};
  charge_read(drawing.drawn(deps), nullptr, &drawing.key, member.units->table);
  if (*item) member.item = partiql::show(bound.statement.columns, **std::move(item));
  co_return true;
}

d::BatchStatementResponse response_of(Member& member, bool reached) {
  d::BatchStatementResponse response;
  if (member.error) {
    auto& error = response.error.emplace();
    error.code = short_code(*member.error);
    error.message = member.error->message;
  }
  if (reached) response.table_name = member.bound->name.name;
  response.item = std::move(member.item);
  return response;
}

Answer<d::BatchExecuteStatementOutput> execute(const Deps& deps, const Context& context,
                                               d::BatchExecuteStatementInput input) {
  std::vector<Member> members = compile_batch(input);
  if (mixes_reads_and_writes(members))
    co_return tables::refuse(
        "BatchExecuteStatement API does not support both read and write operations in the same "
        "request.");
  for (Member& member : members) prepare(deps, context, member);
  std::vector<async::Task<bool>> tasks;
  for (Member& member : members) tasks.push_back(run_member(deps, member));
  const auto reached = co_await async::when_all(std::move(tasks));
  d::BatchExecuteStatementOutput output;
  auto& responses = output.responses.emplace();
  for (std::size_t i = 0; i < members.size(); ++i) {
    Member& member = members[i];
    if (member.units) {
      auto one = consumed(input.return_consumed_capacity, member.bound->name,
                          *member.bound->definition, *member.units);
      if (one && !output.consumed_capacity) output.consumed_capacity.emplace();
      if (one) output.consumed_capacity->push_back(*std::move(one));
    }
    responses.push_back(response_of(member, reached[i]));
  }
  co_return output;
}

// Each statement is allowed or not by itself, where it is run. Without somebody to ask there, all
// have to be allowed beforehand.
api::Outcome<wire::Checks> permission(const Deps& deps, const Context& context,
                                      d::BatchExecuteStatementInput input) {
  wire::Checks checks;
  if (deps.authorizer != nullptr) return checks;
  for (const Member& member : compile_batch(input)) {
    if (!member.statement) continue;
    auto check = check_of(deps, context, *member.statement);
    if (check) checks.push_back(*std::move(check));
  }
  return checks;
}

}  // namespace

void register_statement_batches(Measured& registry, const Deps& deps) {
  registry.add<d::op::BatchExecuteStatement>(
      [&deps](const Context& context, const d::BatchExecuteStatementInput& input) {
        return permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return execute(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
