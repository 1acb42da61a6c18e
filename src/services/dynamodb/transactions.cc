// TransactWriteItems, TransactGetItems.

#include "services/dynamodb/transactions.h"

#include "api/dynamodb/errors.h"
#include "base/digest.h"
#include "services/dynamodb/requests.h"
#include "services/dynamodb/throttling.h"
#include "tables/expression/evaluate.h"
#include "tables/item.h"
#include "tables/record.h"

namespace services::dynamodb {

namespace {

using tables::Write;

constexpr std::size_t kTokenBytesMax = 36;

struct ReadWrite {
  tables::TableName name;
  Write write;
};

std::string too_large(std::size_t bytes) {
  const std::string text =
      "Transaction payload size cannot exceed 4MB. Payload Size: " + std::to_string(bytes);
  // AWS says it twice, one inside the other.
  return "Transaction payload size cannot exceed 4MB. Payload Size: : " + text;
}

// What tells one request from another under the same token.
class Fingerprint {
 public:
  void add(std::string_view part) { bytes_.bytes(part); }
  void add_optional(const std::optional<std::string>& part) { add(part.value_or("")); }
  void add_item(const tables::Item& item) { add(tables::encode_item(item)); }
  std::string take() { return base::sha256(bytes_.take()); }

 private:
  tables::ByteWriter bytes_;
};

// A Key has key attributes only, so this is said without the table, and of the whole request.
std::optional<api::Error> check_no_empty_value(const tables::Item& key) {
  for (const auto& [name, value] : key) {
    const bool empty = (value.is_s() && value.s().empty()) || (value.is_b() && value.b().empty());
    if (empty)
      return tables::validation(
          std::string("One or more parameter values are not valid. The AttributeValue for a key "
                      "attribute cannot contain an empty ") +
          (value.is_s() ? "string" : "binary") + " value. Key: " + name);
  }
  return std::nullopt;
}

template <class Part>
api::Outcome<ReadWrite> read_part(const Context& context, Part& part, Write::Kind kind,
                                  tables::Item item, Fingerprint& fingerprint) {
  auto name = item_table(context, part.table_name);
  if (!name) return std::unexpected(std::move(name).error());
  ReadWrite made{.name = *std::move(name), .write = {.kind = kind}};
  Write& write = made.write;
  if (auto wrong = normalise_all(item)) return std::unexpected(*std::move(wrong));
  if (kind != Write::Kind::kPut) {
    if (auto wrong = check_no_empty_value(item)) return std::unexpected(*std::move(wrong));
  }
  write.old_item_on_failure = part.return_values_on_condition_check_failure == "ALL_OLD";
  Compiler compiler(part.expression_attribute_names, part.expression_attribute_values);
  if (auto wrong = compiler.prepare()) return std::unexpected(*std::move(wrong));
  fingerprint.add(arn_of(made.name));
  fingerprint.add(std::string(1, static_cast<char>(kind)));
  fingerprint.add_item(item);
  write.item = std::move(item);
  if constexpr (requires { part.update_expression; }) {
    auto update = compiler.update(*part.update_expression);
    if (!update) return std::unexpected(std::move(update).error());
    write.update = *std::move(update);
    fingerprint.add_optional(part.update_expression);
  }
  fingerprint.add_optional(part.condition_expression);
  if (part.condition_expression) {
    auto condition = compiler.condition("ConditionExpression", *part.condition_expression);
    if (!condition) return std::unexpected(std::move(condition).error());
    write.condition = *std::move(condition);
  }
  if (auto wrong = compiler.finish()) return std::unexpected(*std::move(wrong));
  if (part.expression_attribute_values) fingerprint.add_item(*part.expression_attribute_values);
  if (part.expression_attribute_names) {
    for (const auto& [key, attribute] : *part.expression_attribute_names) {
      fingerprint.add(key);
      fingerprint.add(attribute);
    }
  }
  return made;
}

api::Outcome<ReadWrite> read_write(const Context& context, d::TransactWriteItem& item,
                                   Fingerprint& fingerprint) {
  const int parts = int(item.put.has_value()) + int(item.update.has_value()) +
                    int(item.delete_.has_value()) + int(item.condition_check.has_value());
  if (parts != 1)
    return tables::refuse("TransactItems can only contain one of Check, Put, Update or Delete");
  if (item.put) {
    if (tables::item_size(**item.put->item) > tables::kItemBytesMax)
      return tables::refuse("Item size has exceeded the maximum allowed size");
    return read_part(context, *item.put, Write::Kind::kPut, std::move(**item.put->item),
                     fingerprint);
  }
  if (item.update)
    return read_part(context, *item.update, Write::Kind::kUpdate, *std::move(item.update->key),
                     fingerprint);
  if (item.delete_)
    return read_part(context, *item.delete_, Write::Kind::kDelete, *std::move(item.delete_->key),
                     fingerprint);
  return read_part(context, *item.condition_check, Write::Kind::kCheck,
                   *std::move(item.condition_check->key), fingerprint);
}

Answer<d::TransactWriteItemsOutput> write_items(const Deps& deps, const Context& context,
                                                d::TransactWriteItemsInput input) {
  if (auto wrong = check_request_token(input.client_request_token))
    co_return std::unexpected(*std::move(wrong));
  Fingerprint fingerprint;
  std::vector<tables::TableWrite> writes;
  std::vector<tables::TableName> names;
  std::vector<ReadWrite> parts;
  std::size_t bytes = 0;
  for (d::TransactWriteItem& item : *input.transact_items) {
    auto part = read_write(context, item, fingerprint);
    if (!part) co_return std::unexpected(std::move(part).error());
    bytes += part->write.item.bytes();
    parts.push_back(*std::move(part));
  }
  if (auto wrong = check_transaction_size(bytes)) co_return std::unexpected(*std::move(wrong));
  for (ReadWrite& part : parts) {
    auto table = find_table(deps, part.name);
    if (!table) co_return std::unexpected(std::move(table).error());
    names.push_back(part.name);
    writes.push_back({*std::move(table), std::move(part.write)});
  }
  std::vector<Drawing> drawings;
  std::vector<std::optional<api::Error>> refusals;
  for (const tables::TableWrite& one : writes) {
    drawings.emplace_back(one.table, *one.write.item);
    refusals.push_back(refuse_write(drawings.back().drawn(deps), drawings.back().key));
  }
  if (auto refused = cancelled_by(refusals)) co_return std::unexpected(*std::move(refused));
  std::optional<tables::Writer::Token> token;
  if (input.client_request_token)
    token = {tables::keys::token(context.account_id, context.region, *input.client_request_token),
             fingerprint.take()};
  auto written = co_await deps.tables.writer().transact(std::move(writes), std::move(token));
  if (!written) co_return std::unexpected(std::move(written).error());
  UnitsByTable units;
  for (std::size_t i = 0; i < written->size(); ++i) {
    add_transaction_units(units[names[i]], (*written)[i]);
    charge_write(drawings[i].drawn(deps), drawings[i].key, (*written)[i], kTransactionFactor);
  }
  d::TransactWriteItemsOutput output;
  output.consumed_capacity =
      transaction_capacity(deps, input.return_consumed_capacity, units, true);
  co_return output;
}

struct ReadGet {
  tables::TableName name;
  std::optional<expression::Projection> projection;
};

Answer<d::TransactGetItemsOutput> get_items(const Deps& deps, const Context& context,
                                            d::TransactGetItemsInput input) {
  std::vector<ReadGet> gets;
  std::vector<tables::Writer::TableKey> wanted;
  for (d::TransactGetItem& item : *input.transact_items) {
    d::Get& get = *item.get;
    auto name = item_table(context, get.table_name);
    if (!name) co_return std::unexpected(std::move(name).error());
    if (auto wrong = normalise_all(*get.key)) co_return std::unexpected(*std::move(wrong));
    ReadGet made{.name = *name, .projection = {}};
    Compiler compiler(get.expression_attribute_names);
    if (auto wrong = compiler.prepare()) co_return std::unexpected(*std::move(wrong));
    if (get.projection_expression) {
      auto projection = compiler.projection(*get.projection_expression);
      if (!projection) co_return std::unexpected(std::move(projection).error());
      made.projection = *std::move(projection);
    }
    if (auto wrong = compiler.finish()) co_return std::unexpected(*std::move(wrong));
    gets.push_back(std::move(made));
  }
  for (std::size_t i = 0; i < gets.size(); ++i) {
    auto table = find_table(deps, gets[i].name);
    if (!table) co_return std::unexpected(std::move(table).error());
    wanted.push_back({*std::move(table), *(*input.transact_items)[i].get->key});
  }
  std::vector<Drawing> drawings;
  std::vector<std::optional<api::Error>> refusals;
  for (const tables::Writer::TableKey& one : wanted) {
    drawings.emplace_back(one.table, one.key);
    refusals.push_back(refuse_read(drawings.back().drawn(deps), nullptr, &drawings.back().key));
  }
  if (auto refused = cancelled_by(refusals)) co_return std::unexpected(*std::move(refused));
  auto items = co_await deps.tables.writer().transact_get(std::move(wanted));
  if (!items) co_return std::unexpected(std::move(items).error());
  UnitsByTable units;
  d::TransactGetItemsOutput output;
  auto& responses = output.responses.emplace(items->size());
  for (std::size_t i = 0; i < items->size(); ++i) {
    auto& item = (*items)[i];
    const double read =
        tables::read_units(item ? tables::item_size(*item) : 1, true) * kTransactionFactor;
    units[gets[i].name].table += read;
    charge_read(drawings[i].drawn(deps), nullptr, &drawings[i].key, read);
    if (!item) continue;
    responses[i].item =
        gets[i].projection ? expression::project(*item, *gets[i].projection) : *std::move(item);
  }
  output.consumed_capacity =
      transaction_capacity(deps, input.return_consumed_capacity, units, false);
  co_return output;
}

template <class Part>
std::optional<api::Error> add_check(const Deps& deps, const Context& context, const char* action,
                                    const char* enclosing, const std::optional<Part>& part,
                                    const tables::Item& item, wire::Checks& checks) {
  const auto name = item_table(context, part->table_name);
  if (!name) return name.error();
  auth::Check check = table_check(deps, action, *name);
  Attributes attributes;
  attributes.add(item);
  if constexpr (requires { part->condition_expression; })
    attributes.add_expression(part->condition_expression, part->expression_attribute_names);
  if constexpr (requires { part->update_expression; })
    attributes.add_expression(part->update_expression, part->expression_attribute_names);
  if constexpr (requires { part->projection_expression; })
    attributes.add_expression(part->projection_expression, part->expression_attribute_names);
  add_leading_key(check, deps, *name, item);
  check.context.push_back({"dynamodb:EnclosingOperation", {enclosing}});
  std::move(attributes).into(check);
  checks.push_back(std::move(check));
  return std::nullopt;
}

api::Outcome<wire::Checks> write_permission(const Deps& deps, const Context& context,
                                            const d::TransactWriteItemsInput& input) {
  constexpr const char* kEnclosing = "TransactWriteItems";
  wire::Checks checks;
  for (const d::TransactWriteItem& item : *input.transact_items) {
    std::optional<api::Error> wrong;
    if (item.put)
      wrong = add_check(deps, context, "dynamodb:PutItem", kEnclosing, item.put, **item.put->item,
                        checks);
    if (item.update && !wrong)
      wrong = add_check(deps, context, "dynamodb:UpdateItem", kEnclosing, item.update,
                        *item.update->key, checks);
    if (item.delete_ && !wrong)
      wrong = add_check(deps, context, "dynamodb:DeleteItem", kEnclosing, item.delete_,
                        *item.delete_->key, checks);
    if (item.condition_check && !wrong)
      wrong = add_check(deps, context, "dynamodb:ConditionCheckItem", kEnclosing,
                        item.condition_check, *item.condition_check->key, checks);
    if (wrong) return std::unexpected(*std::move(wrong));
  }
  return checks;
}

api::Outcome<wire::Checks> get_permission(const Deps& deps, const Context& context,
                                          const d::TransactGetItemsInput& input) {
  wire::Checks checks;
  for (const d::TransactGetItem& item : *input.transact_items) {
    if (auto wrong = add_check(deps, context, "dynamodb:GetItem", "TransactGetItems", item.get,
                               *item.get->key, checks))
      return std::unexpected(*std::move(wrong));
  }
  return checks;
}

}  // namespace

std::optional<api::Error> check_request_token(const std::optional<std::string>& token) {
  if (!token || (!token->empty() && token->size() <= kTokenBytesMax)) return std::nullopt;
  return tables::validation(
      "1 validation error detected: Value '" + *token +
      "' at 'clientRequestToken' failed to satisfy constraint: Member must have length less than "
      "or equal to 36");
}

std::optional<api::Error> check_transaction_size(std::size_t bytes) {
  if (bytes <= tables::kTransactionBytesMax) return std::nullopt;
  return tables::validation(too_large(bytes));
}

void add_transaction_units(Units& sum, const tables::Written& written) {
  sum.table += written.table_units * kTransactionFactor;
  for (const auto& [index, amount] : written.index_units)
    sum.indexes[index] += amount * kTransactionFactor;
}

std::optional<std::vector<d::ConsumedCapacity>> transaction_capacity(
    const Deps& deps, const std::optional<std::string>& wanted, const UnitsByTable& units,
    bool writes) {
  std::vector<d::ConsumedCapacity> all;
  for (const auto& [name, amount] : units) {
    const auto table = deps.tables.catalogue().find(name);
    if (!table) continue;
    auto one = consumed(wanted, name, *table->definition(), amount);
    if (!one) return std::nullopt;
    (writes ? one->write_capacity_units : one->read_capacity_units) = one->capacity_units;
    all.push_back(*std::move(one));
  }
  return all;
}

void register_transactions(Measured& registry, const Deps& deps) {
  registry.add<d::op::TransactWriteItems>(
      [&deps](const Context& context, const d::TransactWriteItemsInput& input) {
        return write_permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return write_items(deps, context, std::move(input));
      });
  registry.add<d::op::TransactGetItems>(
      [&deps](const Context& context, const d::TransactGetItemsInput& input) {
        return get_permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return get_items(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
