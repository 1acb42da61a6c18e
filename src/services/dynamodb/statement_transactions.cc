// ExecuteTransaction.

#include <algorithm>

#include "api/dynamodb/errors.h"
#include "base/digest.h"
#include "services/dynamodb/statements.h"
#include "services/dynamodb/throttling.h"
#include "services/dynamodb/transactions.h"
#include "tables/item.h"
#include "tables/record.h"

namespace services::dynamodb {

namespace {

using Kind = partiql::Statement::Kind;
using tables::Write;

constexpr const char* kMismatch = "The provided key element does not match the schema";

// A statement of the transaction, ready to run.
struct Part {
  Bound bound;
  tables::Item key;  // of a SELECT
  Write write;       // of everything else
};

struct Reason {
  std::string code;
  std::string message;
};

// What was found wrong with statements that are well formed. Any of it cancels the transaction.
using Reasons = std::vector<std::optional<Reason>>;

struct Prepared {
  std::vector<Part> parts;
  Reasons reasons;
};

api::Error failed(std::size_t at, const std::string& text) {
  return tables::validation("Validation failed in TransactStatements[" + std::to_string(at) +
                            "]: " + text);
}

api::Error cancelled(const Reasons& reasons) {
  auto detail = std::make_shared<d::TransactionCanceledException>();
  auto& shown = detail->cancellation_reasons.emplace();
  std::string codes;
  for (const auto& one : reasons) {
    auto& reason = shown.emplace_back();
    reason.code = one ? one->code : "None";
    if (one) reason.message = one->message;
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

// An INSERT whose item is there already has failed for that, and not for a condition of its own.
api::Error reworded(const std::vector<Part>& parts, api::Error error) {
  if (error.code != "TransactionCanceledException" || error.detail == nullptr) return error;
  auto detail = std::make_shared<d::TransactionCanceledException>(
      *static_cast<const d::TransactionCanceledException*>(error.detail.get()));
  std::string codes;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto& reason = (*detail->cancellation_reasons)[i];
    if (reason.code == "ConditionalCheckFailed" && parts[i].bound.statement.kind == Kind::kInsert) {
      reason.code = "DuplicateItem";
      reason.message = kDuplicateItem;
    } else if (reason.code == "ValidationError") {
      reason.message = dynamodb::reworded(parts[i].bound.statement,
                                          tables::validation(reason.message.value_or("")))
                           .message;
    }
    codes += (codes.empty() ? "" : ", ") + *reason.code;
  }
  error.message =
      "Transaction cancelled, please refer cancellation reasons for specific reasons [" + codes +
      "]";
  detail->message = error.message;
  error.detail = std::move(detail);
  return error;
}

// The key that a SELECT reads. A Reason cancels, a text refuses.
std::expected<tables::Item, std::variant<Reason, std::string>> read_key(const Bound& bound) {
  auto plan = plan_statement(bound, false);
  if (!plan && plan.error().wrong_key_type)
    return std::unexpected(Reason{"ValidationError", kMismatch});
  if (!plan) return std::unexpected(std::move(plan).error().text);
  if (plan->only_keys && plan->stretches.size() == 1 && plan->stretches[0].key)
    return *std::move(plan->stretches[0].key);
  return std::unexpected(
      "Select statements within ExecuteTransaction must specify the primary key in the where "
      "clause.");
}

// Fills in what the part does. A Reason cancels, a text refuses.
std::optional<std::variant<Reason, std::string>> prepare_part(Part& part) {
  const partiql::Statement& statement = part.bound.statement;
  if (statement.returning != partiql::Returning::kNone)
    return "RETURNING clause is not supported in ExecuteTransaction.";
  if (statement.reads()) {
    if (statement.index) return "Reads on indices are not supported within transactions.";
    auto key = read_key(part.bound);
    if (!key) return std::move(key).error();
    part.key = *std::move(key);
    return std::nullopt;
  }
  auto write = write_of(part.bound);
  if (!write && statement.kind == Kind::kExists)
    return "EXISTS() must contain a single item read with additional condition";
  if (!write) return Reason{"ValidationError", kMismatch};
  if (auto wrong = tables::check_write(*part.bound.definition, *write))
    return Reason{"ValidationError", wrong->message};
  part.write = *std::move(write);
  return std::nullopt;
}

api::Outcome<std::vector<partiql::Statement>> compile_all(d::ExecuteTransactionInput& input) {
  for (auto& one : *input.transact_statements) {
    if (auto wrong = check_parameters(one.parameters)) return std::unexpected(*std::move(wrong));
  }
  std::vector<partiql::Statement> statements;
  bool reads = false, writes = false;
  for (const auto& one : *input.transact_statements) {
    auto statement = compile_statement(*one.statement, one.parameters);
    if (!statement) return std::unexpected(failed(statements.size(), statement.error().message));
    (statement->reads() ? reads : writes) = true;
    statements.push_back(*std::move(statement));
  }
  if (reads && writes)
    return tables::refuse(
        "ExecuteTransaction API does not support both read and write operations in the same "
        "request.");
  return statements;
}

api::Outcome<std::vector<Part>> prepare(const Deps& deps, const Context& context,
                                        d::ExecuteTransactionInput& input) {
  auto statements = compile_all(input);
  if (!statements) return std::unexpected(std::move(statements).error());
  std::vector<Part> parts;
  Reasons reasons(statements->size());
  bool any = false;
  for (std::size_t i = 0; i < statements->size(); ++i) {
    auto bound = bind(deps, context, std::move((*statements)[i]));
    if (!bound && bound.error().code != "ResourceNotFoundException")
      return std::unexpected(failed(i, bound.error().message));
    if (!bound) {
      reasons[i] = Reason{"ResourceNotFound", bound.error().message};
      any = true;
      continue;
    }
    Part part{.bound = *std::move(bound)};
    auto wrong = prepare_part(part);
    if (wrong && std::holds_alternative<std::string>(*wrong))
      return std::unexpected(failed(i, std::get<std::string>(*wrong)));
    if (wrong) reasons[i] = std::get<Reason>(*std::move(wrong));
    any = any || reasons[i];
    part.write.old_item_on_failure =
        (*input.transact_statements)[i].return_values_on_condition_check_failure == "ALL_OLD";
    parts.push_back(std::move(part));
  }
  if (any) return std::unexpected(cancelled(reasons));
  return parts;
}

// What tells one request from another under the same token.
std::string fingerprint(const d::ExecuteTransactionInput& input) {
  tables::ByteWriter bytes;
  bytes.bytes("ExecuteTransaction");
  for (const auto& one : *input.transact_statements) {
    bytes.bytes(*one.statement);
    bytes.bytes(one.parameters ? tables::encode_item({{"p", tables::Value::of_l(*one.parameters)}})
                               : "");
  }
  return base::sha256(bytes.take());
}

Answer<d::ExecuteTransactionOutput> run_reads(const Deps& deps, std::vector<Part> parts,
                                              const d::ExecuteTransactionInput& input) {
  std::vector<tables::Writer::TableKey> wanted;
  std::vector<Drawing> drawings;
  std::vector<std::optional<api::Error>> refusals;
  for (Part& part : parts) {
    drawings.emplace_back(part.bound.table, part.key);
    refusals.push_back(refuse_read(drawings.back().drawn(deps), nullptr, &drawings.back().key));
    wanted.push_back({part.bound.table, std::move(part.key)});
  }
  if (auto refused = cancelled_by(refusals)) co_return std::unexpected(*std::move(refused));
  auto items = co_await deps.tables.writer().transact_get(std::move(wanted));
  if (!items) co_return std::unexpected(std::move(items).error());
  UnitsByTable units;
  d::ExecuteTransactionOutput output;
  auto& responses = output.responses.emplace(items->size());
  for (std::size_t i = 0; i < items->size(); ++i) {
    auto& item = (*items)[i];
    const double read =
        tables::read_units(item ? tables::item_size(*item) : 1, true) * kTransactionFactor;
    units[parts[i].bound.name].table += read;
    charge_read(drawings[i].drawn(deps), nullptr, &drawings[i].key, read);
    if (item) responses[i].item = partiql::show(parts[i].bound.statement.columns, *std::move(item));
  }
  output.consumed_capacity =
      transaction_capacity(deps, input.return_consumed_capacity, units, false);
  co_return output;
}

Answer<d::ExecuteTransactionOutput> run_writes(const Deps& deps, const Context& context,
                                               std::vector<Part> parts,
                                               const d::ExecuteTransactionInput& input) {
  std::size_t bytes = 0;
  for (const Part& part : parts) bytes += part.write.item.bytes();
  if (auto wrong = check_transaction_size(bytes)) co_return std::unexpected(*std::move(wrong));
  std::vector<tables::TableWrite> writes;
  std::vector<Drawing> drawings;
  std::vector<std::optional<api::Error>> refusals;
  for (Part& part : parts) {
    drawings.emplace_back(part.bound.table, *part.write.item);
    refusals.push_back(refuse_write(drawings.back().drawn(deps), drawings.back().key));
    writes.push_back({part.bound.table, std::move(part.write)});
  }
  if (auto refused = cancelled_by(refusals)) co_return std::unexpected(*std::move(refused));
  std::optional<tables::Writer::Token> token;
  if (input.client_request_token)
    token = {tables::keys::token(context.account_id, context.region, *input.client_request_token),
             fingerprint(input)};
  auto written = co_await deps.tables.writer().transact(std::move(writes), std::move(token));
  if (!written) co_return std::unexpected(reworded(parts, std::move(written).error()));
  UnitsByTable units;
  for (std::size_t i = 0; i < written->size(); ++i) {
    add_transaction_units(units[parts[i].bound.name], (*written)[i]);
    charge_write(drawings[i].drawn(deps), drawings[i].key, (*written)[i], kTransactionFactor);
  }
  d::ExecuteTransactionOutput output;
  output.responses.emplace();
  output.consumed_capacity =
      transaction_capacity(deps, input.return_consumed_capacity, units, true);
  co_return output;
}

Answer<d::ExecuteTransactionOutput> execute(const Deps& deps, const Context& context,
                                            d::ExecuteTransactionInput input) {
  if (auto wrong = check_request_token(input.client_request_token))
    co_return std::unexpected(*std::move(wrong));
  auto parts = prepare(deps, context, input);
  if (!parts) co_return std::unexpected(std::move(parts).error());
  auto running = parts->front().bound.statement.reads()
                     ? run_reads(deps, *std::move(parts), input)
                     : run_writes(deps, context, *std::move(parts), input);
  auto output = co_await std::move(running);
  co_return output;
}

api::Outcome<wire::Checks> permission(const Deps& deps, const Context& context,
                                      d::ExecuteTransactionInput input) {
  const auto statements = compile_all(input);
  if (!statements) return std::unexpected(statements.error());
  wire::Checks checks;
  for (const partiql::Statement& statement : *statements) {
    const auto name = item_table(context, statement.table);
    if (!name) return std::unexpected(failed(checks.size(), name.error().message));
    checks.push_back(statement_check(deps, statement, *name, "ExecuteTransaction"));
  }
  return checks;
}

}  // namespace

void register_statement_transactions(Measured& registry, const Deps& deps) {
  registry.add<d::op::ExecuteTransaction>(
      [&deps](const Context& context, const d::ExecuteTransactionInput& input) {
        return permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return execute(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
