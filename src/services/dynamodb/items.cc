// GetItem, PutItem, UpdateItem, DeleteItem.

#include "services/dynamodb/packed_item.h"
#include "services/dynamodb/requests.h"
#include "services/dynamodb/stored_json.h"
#include "services/dynamodb/throttling.h"
#include "tables/expression/evaluate.h"
#include "tables/stored_item.h"

namespace services::dynamodb {

namespace {

using tables::Write;
using tables::Written;

// ConditionExpression or Expected, whichever the request has, into the write.
template <class Input>
std::optional<api::Error> read_condition(Input& input, Compiler& compiler, Write& write) {
  write.old_item_on_failure = input.return_values_on_condition_check_failure == "ALL_OLD";
  if (input.condition_expression) {
    auto condition = compiler.condition("ConditionExpression", *input.condition_expression);
    if (!condition) return std::move(condition).error();
    write.condition = *std::move(condition);
  }
  return std::nullopt;
}

template <class Input>
std::optional<api::Error> read_expected(Input& input, Write& write) {
  const std::size_t count = input.expected ? input.expected->size() : 0;
  if (auto wrong = check_conditional_operator(input.conditional_operator, count)) return wrong;
  if (!input.expected) return std::nullopt;
  auto condition = outcome(
      expression::from_expected(*std::move(input.expected), input.conditional_operator == "OR"));
  if (!condition) return std::move(condition).error();
  if (count > 0) write.condition = *std::move(condition);
  return std::nullopt;
}

api::Outcome<Write> read_put(d::PutItemInput& input) {
  Write write{.kind = Write::Kind::kPut};
  if (auto wrong = check_parameters(
          {{"ConditionExpression", input.condition_expression.has_value()}},
          {{"Expected", input.expected.has_value()}}, input.expression_attribute_names.has_value(),
          input.expression_attribute_values.has_value()))
    return std::unexpected(*std::move(wrong));
  auto item = read_item(*std::move(input.item));
  if (!item) return std::unexpected(std::move(item).error());
  write.item = *std::move(item);
  if (input.return_values && input.return_values != "ALL_OLD" && input.return_values != "NONE")
    return tables::refuse("ReturnValues can only be ALL_OLD or NONE");
  if (write.item.bytes() > tables::kItemBytesMax)
    return tables::refuse("Item size has exceeded the maximum allowed size");
  if (auto wrong = read_expected(input, write)) return std::unexpected(*std::move(wrong));
  Compiler compiler(input.expression_attribute_names, input.expression_attribute_values);
  if (auto wrong = compiler.prepare()) return std::unexpected(*std::move(wrong));
  if (auto wrong = read_condition(input, compiler, write))
    return std::unexpected(*std::move(wrong));
  if (auto wrong = compiler.finish()) return std::unexpected(*std::move(wrong));
  return write;
}

api::Outcome<Write> read_delete(d::DeleteItemInput& input) {
  Write write{.kind = Write::Kind::kDelete};
  if (auto wrong = check_parameters(
          {{"ConditionExpression", input.condition_expression.has_value()}},
          {{"Expected", input.expected.has_value()}}, input.expression_attribute_names.has_value(),
          input.expression_attribute_values.has_value()))
    return std::unexpected(*std::move(wrong));
  if (auto wrong = normalise_all(*input.key)) return std::unexpected(*std::move(wrong));
  write.item = *std::move(input.key);
  if (input.return_values && input.return_values != "ALL_OLD" && input.return_values != "NONE")
    return tables::refuse("ReturnValues can only be ALL_OLD or NONE");
  if (auto wrong = read_expected(input, write)) return std::unexpected(*std::move(wrong));
  Compiler compiler(input.expression_attribute_names, input.expression_attribute_values);
  if (auto wrong = compiler.prepare()) return std::unexpected(*std::move(wrong));
  if (auto wrong = read_condition(input, compiler, write))
    return std::unexpected(*std::move(wrong));
  if (auto wrong = compiler.finish()) return std::unexpected(*std::move(wrong));
  return write;
}

api::Outcome<Write> read_update(d::UpdateItemInput& input) {
  Write write{.kind = Write::Kind::kUpdate};
  if (auto wrong =
          check_parameters({{"UpdateExpression", input.update_expression.has_value()},
                            {"ConditionExpression", input.condition_expression.has_value()}},
                           {{"AttributeUpdates", input.attribute_updates.has_value()},
                            {"Expected", input.expected.has_value()}},
                           input.expression_attribute_names.has_value(),
                           input.expression_attribute_values.has_value()))
    return std::unexpected(*std::move(wrong));
  if (auto wrong = normalise_all(*input.key)) return std::unexpected(*std::move(wrong));
  write.item = *std::move(input.key);
  if (input.attribute_updates) {
    auto update = outcome(expression::from_attribute_updates(*std::move(input.attribute_updates)));
    if (!update) return std::unexpected(std::move(update).error());
    write.update = *std::move(update);
  }
  if (auto wrong = read_expected(input, write)) return std::unexpected(*std::move(wrong));
  Compiler compiler(input.expression_attribute_names, input.expression_attribute_values);
  if (auto wrong = compiler.prepare()) return std::unexpected(*std::move(wrong));
  if (input.update_expression) {
    auto update = compiler.update(*input.update_expression);
    if (!update) return std::unexpected(std::move(update).error());
    write.update = *std::move(update);
  }
  if (auto wrong = read_condition(input, compiler, write))
    return std::unexpected(*std::move(wrong));
  if (auto wrong = compiler.finish()) return std::unexpected(*std::move(wrong));
  return write;
}

std::optional<d::ItemCollectionMetrics> collection_metrics(const std::optional<std::string>& wanted,
                                                           const tables::Definition& definition,
                                                           const tables::Item& key) {
  bool local = false;
  for (const auto& index : definition.indexes) local = local || !index.global;
  if (wanted != "SIZE" || !local) return std::nullopt;
  d::ItemCollectionMetrics metrics;
  metrics.item_collection_key =
      tables::Item{{definition.keys.hash.name, key.at(definition.keys.hash.name)}};
  metrics.size_estimate_range_gb = std::vector<double>{0, 1};
  return metrics;
}

// Runs a write and renders what the three operations answer alike.
template <class Output, class Input>
Answer<Output> run(const Deps& deps, const Context& context, Input input,
                   api::Outcome<Write> (*read)(Input&)) {
  const auto name = item_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  auto write = read(input);
  if (!write) co_return std::unexpected(std::move(write).error());
  auto table = find_table(deps, *name);
  if (!table) co_return std::unexpected(std::move(table).error());
  const auto wanted = return_values(input.return_values);
  // What the answer needs of the write besides its result.
  Write shown{.kind = write->kind};
  using Wanted = tables::ReturnValues;
  if (wanted == Wanted::kUpdatedOld || wanted == Wanted::kUpdatedNew) shown.update = write->update;
  const auto definition = (*table)->definition();
  tables::Item key;
  if (deps.throttle != nullptr || input.return_item_collection_metrics)
    key = tables::key_of(definition->keys, *write->item);
  const Drawn drawn{deps, **table, *definition};
  if (auto refused = refuse_write(drawn, key)) co_return std::unexpected(*std::move(refused));
  auto written = co_await deps.tables.writer().write(*table, *std::move(write));
  if (!written) co_return std::unexpected(std::move(written).error());
  charge_write(drawn, key, *written);
  Output output;
  output.attributes = written->returned(wanted, shown);
  output.consumed_capacity = consumed(input.return_consumed_capacity, *name, *definition,
                                      {written->table_units, written->index_units});
  output.item_collection_metrics =
      collection_metrics(input.return_item_collection_metrics, *definition, key);
  co_return output;
}

Answer<wire::Prepared<d::GetItemOutput>> get_item(const Deps& deps, const Context& context,
                                                  d::GetItemInput input) {
  const auto name = item_table(context, input.table_name);
  if (!name) co_return std::unexpected(name.error());
  if (auto wrong =
          check_parameters({{"ProjectionExpression", input.projection_expression.has_value()}},
                           {{"AttributesToGet", input.attributes_to_get.has_value()}},
                           input.expression_attribute_names.has_value(), false))
    co_return std::unexpected(*std::move(wrong));
  if (auto wrong = normalise_all(*input.key)) co_return std::unexpected(*std::move(wrong));
  std::optional<expression::Projection> projection;
  if (input.attributes_to_get) {
    auto made = outcome(expression::from_attributes_to_get(*input.attributes_to_get));
    if (!made) co_return std::unexpected(std::move(made).error());
    projection = *std::move(made);
  }
  Compiler compiler(input.expression_attribute_names);
  if (auto wrong = compiler.prepare()) co_return std::unexpected(*std::move(wrong));
  if (input.projection_expression) {
    auto made = compiler.projection(*input.projection_expression);
    if (!made) co_return std::unexpected(std::move(made).error());
    projection = *std::move(made);
  }
  if (auto wrong = compiler.finish()) co_return std::unexpected(*std::move(wrong));
  auto table = find_table(deps, *name);
  if (!table) co_return std::unexpected(std::move(table).error());
  const auto definition = (*table)->definition();
  if (auto wrong = tables::check_key(definition->keys, *input.key))
    co_return std::unexpected(*std::move(wrong));
  std::vector<const expression::Path*> paths;
  if (projection) {
    for (const auto& path : *projection) paths.push_back(&path);
  }
  if (auto wrong = tables::check_key_paths(*definition, paths))
    co_return std::unexpected(*std::move(wrong));

  const Drawn drawn{deps, **table, *definition};
  if (auto refused = refuse_read(drawn, nullptr, &*input.key))
    co_return std::unexpected(*std::move(refused));
  auto stored = co_await deps.tables.reader().get_stored(*table, *input.key);
  if (!stored) co_return std::unexpected(std::move(stored).error());
  std::size_t bytes = 1;
  if (*stored) {
    const auto sizes = tables::stored_sizes(definition->keys, **stored);
    if (!sizes) co_return std::unexpected(api::internal_failure());
    bytes = sizes->item;
  }
  d::GetItemOutput output;
  const double units = tables::read_units(bytes, input.consistent_read.value_or(false));
  charge_read(drawn, nullptr, &*input.key, units);
  output.consumed_capacity =
      consumed(input.return_consumed_capacity, *name, *definition, {units, {}});
  wire::Prepared<d::GetItemOutput> prepared;
  if (*stored && projection) output.item = expression::project(item_of(**stored), *projection);
  else if (*stored)
    prepared.member = std::make_unique<StoredItem<d::GetItemOutput>>(**std::move(stored));
  prepared.head = std::move(output);
  co_return prepared;
}

// Permission for an operation on one item.
template <class Input, class Fill>
auto permission(const Deps& deps, std::string action, Fill fill) {
  return [&deps, action, fill](const Context& context,
                               const Input& input) -> api::Outcome<wire::Checks> {
    const auto name = item_table(context, input.table_name);
    if (!name) return std::unexpected(name.error());
    auth::Check made = table_check(deps, action, *name);
    made.add_conditions = [&deps, &context, &input, fill](auth::Check& check) {
      Attributes attributes;
      const tables::Item& key = fill(input, attributes);
      attributes.add(key);
      add_leading_key(check, deps, *item_table(context, input.table_name), key);
      add_context(check, "dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity);
      if constexpr (requires { input.return_values; })
        add_context(check, "dynamodb:ReturnValues", input.return_values);
      std::move(attributes).into(check);
    };
    return wire::one_check(std::move(made));
  };
}

template <class Input>
void add_conditions(const Input& input, Attributes& attributes) {
  attributes.add_names(input.expected);
  attributes.add_expression(input.condition_expression, input.expression_attribute_names);
}

}  // namespace

void register_items(Measured& registry, const Deps& deps) {
  registry.add_prepared<d::op::GetItem>(
      permission<d::GetItemInput>(
          deps, "dynamodb:GetItem",
          [](const d::GetItemInput& input, Attributes& attributes) -> const tables::Item& {
            if (input.attributes_to_get) attributes.add(*input.attributes_to_get);
            attributes.add_expression(input.projection_expression,
                                      input.expression_attribute_names);
            return *input.key;
          }),
      [&deps](const Context& context, auto&& input) {
        return get_item(deps, context, std::move(input));
      });
  registry.add<d::op::PutItem>(
      permission<d::PutItemInput>(
          deps, "dynamodb:PutItem",
          [](const d::PutItemInput& input, Attributes& attributes) -> const tables::Item& {
            add_conditions(input, attributes);
            return **input.item;
          }),
      [&deps](const Context& context, auto&& input) {
        return run<d::PutItemOutput>(deps, context, std::move(input), read_put);
      });
  registry.add<d::op::UpdateItem>(
      permission<d::UpdateItemInput>(
          deps, "dynamodb:UpdateItem",
          [](const d::UpdateItemInput& input, Attributes& attributes) -> const tables::Item& {
            add_conditions(input, attributes);
            attributes.add_names(input.attribute_updates);
            attributes.add_expression(input.update_expression, input.expression_attribute_names);
            return *input.key;
          }),
      [&deps](const Context& context, auto&& input) {
        return run<d::UpdateItemOutput>(deps, context, std::move(input), read_update);
      });
  registry.add<d::op::DeleteItem>(
      permission<d::DeleteItemInput>(
          deps, "dynamodb:DeleteItem",
          [](const d::DeleteItemInput& input, Attributes& attributes) -> const tables::Item& {
            add_conditions(input, attributes);
            return *input.key;
          }),
      [&deps](const Context& context, auto&& input) {
        return run<d::DeleteItemOutput>(deps, context, std::move(input), read_delete);
      });
}

}  // namespace services::dynamodb
