// Query, Scan.

#include <algorithm>

#include "services/dynamodb/requests.h"
#include "services/dynamodb/stored_json.h"
#include "services/dynamodb/throttling.h"

namespace services::dynamodb {

namespace {

using tables::Index;
using tables::ReadOptions;

// What a Query or a Scan asks, before any table is known.
struct Request {
  tables::TableName name;
  std::optional<expression::KeyTests> tests;  // Query
  tables::Segment segment;                    // Scan
  ReadOptions options;
};

std::optional<api::Error> read_start(std::optional<tables::Item>& start, ReadOptions& options) {
  if (!start) return std::nullopt;
  for (auto& [name, value] : *start) {
    auto wrong = tables::normalise(value);
    if (!wrong) continue;
    // Wrong numbers and duplicates come without the words in front.
    constexpr std::string_view kPlain[] = {"contains duplicates", "number set", "numeric value",
                                           "significant digits", "number with magnitude"};
    const bool plain = std::ranges::any_of(
        kPlain, [&](std::string_view part) { return wrong->find(part) != std::string::npos; });
    return tables::validation((plain ? "" : "The provided starting key is invalid: ") + *wrong);
  }
  options.start = std::move(start);
  return std::nullopt;
}

template <class Input>
std::optional<api::Error> read_old_projection(const Input& input, ReadOptions& options) {
  if (!input.attributes_to_get) return std::nullopt;
  auto made = outcome(expression::from_attributes_to_get(*input.attributes_to_get));
  if (!made) return std::move(made).error();
  options.projection = *std::move(made);
  return std::nullopt;
}

std::optional<api::Error> read_old_filter(std::optional<expression::Conditions>& filter,
                                          const std::optional<std::string>& op,
                                          std::string_view name, ReadOptions& options) {
  const std::size_t count = filter ? filter->size() : 0;
  if (auto wrong = check_conditional_operator(op, count)) return wrong;
  if (count == 0) return std::nullopt;
  auto made = outcome(expression::from_filter(*std::move(filter), op == "OR"));
  if (!made) return std::move(made).error();
  options.filter = *std::move(made);
  options.filter_name = name;
  return std::nullopt;
}

template <class Input>
std::optional<api::Error> read_expressions(const Input& input, Compiler& compiler,
                                           ReadOptions& options) {
  if (input.filter_expression) {
    auto made = compiler.condition("FilterExpression", *input.filter_expression);
    if (!made) return std::move(made).error();
    options.filter = *std::move(made);
  }
  if (input.projection_expression) {
    auto made = compiler.projection(*input.projection_expression);
    if (!made) return std::move(made).error();
    options.projection = *std::move(made);
  }
  return compiler.finish();
}

template <class Input>
std::optional<api::Error> check_select(const Input& input) {
  if (!input.select) return std::nullopt;
  const bool projects = input.projection_expression || input.attributes_to_get;
  const std::string& select = *input.select;
  if (select == "SPECIFIC_ATTRIBUTES") {
    if (projects) return std::nullopt;
    return tables::validation(
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
        "SPECIFIC_ATTRIBUTES");
  }
  if (projects)
    return tables::validation(
        std::string("Cannot specify the ") +
        (input.projection_expression ? "ProjectionExpression" : "AttributesToGet") +
        " when choosing to get " + (select == "COUNT" ? "only the Count" : select));
  if (select == "ALL_PROJECTED_ATTRIBUTES" && !input.index_name)
    return tables::validation(
        "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  return std::nullopt;
}

template <class Input>
std::optional<api::Error> read_common(Input& input, Request& request) {
  if (input.limit) request.options.limit = static_cast<std::size_t>(*input.limit);
  request.options.count_only = input.select == "COUNT";
  request.options.all_attributes = input.select == "ALL_ATTRIBUTES";
  return check_select(input);
}

std::optional<api::Error> read_tests(d::QueryInput& input, Compiler& compiler, Request& request) {
  if (!input.key_condition_expression) return std::nullopt;
  auto condition = compiler.condition("KeyConditionExpression", *input.key_condition_expression);
  if (!condition) return std::move(condition).error();
  // Whether it fits a key is said after the other expressions have been read.
  auto tests = outcome(expression::to_key_tests(*condition));
  if (!tests) {
    if (auto wrong = read_expressions(input, compiler, request.options)) return wrong;
    return std::move(tests).error();
  }
  request.tests = *std::move(tests);
  return std::nullopt;
}

std::optional<api::Error> read_query(d::QueryInput& input, Request& request) {
  if (auto wrong =
          check_parameters({{"ProjectionExpression", input.projection_expression.has_value()},
                            {"FilterExpression", input.filter_expression.has_value()},
                            {"KeyConditionExpression", input.key_condition_expression.has_value()}},
                           {{"AttributesToGet", input.attributes_to_get.has_value()},
                            {"QueryFilter", input.query_filter.has_value()},
                            {"ConditionalOperator", input.conditional_operator.has_value()},
                            {"KeyConditions", input.key_conditions.has_value() &&
                                                  input.key_condition_expression.has_value()}},
                           input.expression_attribute_names.has_value(),
                           input.expression_attribute_values.has_value()))
    return wrong;
  if (auto wrong = read_old_filter(input.query_filter, input.conditional_operator, "QueryFilter",
                                   request.options))
    return wrong;
  if (auto wrong = read_old_projection(input, request.options)) return wrong;
  if (auto wrong = read_start(input.exclusive_start_key, request.options)) return wrong;
  if (!input.key_conditions && !input.key_condition_expression)
    return tables::validation(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
        "request.");
  Compiler compiler(input.expression_attribute_names, input.expression_attribute_values);
  if (auto wrong = compiler.prepare()) return wrong;
  if (auto wrong = read_tests(input, compiler, request)) return wrong;
  if (auto wrong = read_expressions(input, compiler, request.options)) return wrong;
  if (!request.tests) {
    auto tests = outcome(expression::from_key_conditions(*std::move(input.key_conditions)));
    if (!tests) return std::move(tests).error();
    request.tests = *std::move(tests);
  }
  // A global index may have a key of more attributes, which check_query() knows.
  if (request.tests->empty() || (request.tests->size() > 2 && !input.index_name))
    return tables::validation("Conditions can be of length 1 or 2 only");
  request.options.forward = input.scan_index_forward.value_or(true);
  return read_common(input, request);
}

std::optional<api::Error> read_segment(const d::ScanInput& input, Request& request) {
  if (input.segment && !input.total_segments)
    return tables::validation(
        "The TotalSegments parameter is required but was not present in the request when Segment "
        "parameter is present");
  if (!input.total_segments) return std::nullopt;
  if (!input.segment)
    return tables::validation(
        "The Segment parameter is required but was not present in the request when parameter "
        "TotalSegments is present");
  if (*input.segment >= *input.total_segments)
    return tables::validation(
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
        "Segment: " +
        std::to_string(*input.segment) +
        " is not less than TotalSegments: " + std::to_string(*input.total_segments));
  request.segment = {static_cast<std::size_t>(*input.segment),
                     static_cast<std::size_t>(*input.total_segments)};
  return std::nullopt;
}

std::optional<api::Error> read_scan(d::ScanInput& input, Request& request) {
  if (auto wrong =
          check_parameters({{"ProjectionExpression", input.projection_expression.has_value()},
                            {"FilterExpression", input.filter_expression.has_value()}},
                           {{"AttributesToGet", input.attributes_to_get.has_value()},
                            {"ScanFilter", input.scan_filter.has_value()},
                            {"ConditionalOperator", input.conditional_operator.has_value()}},
                           input.expression_attribute_names.has_value(),
                           input.expression_attribute_values.has_value()))
    return wrong;
  if (auto wrong = read_old_projection(input, request.options)) return wrong;
  if (auto wrong = read_old_filter(input.scan_filter, input.conditional_operator, "ScanFilter",
                                   request.options))
    return wrong;
  if (auto wrong = read_start(input.exclusive_start_key, request.options)) return wrong;
  if (auto wrong = read_segment(input, request)) return wrong;
  Compiler compiler(input.expression_attribute_names, input.expression_attribute_values);
  if (auto wrong = compiler.prepare()) return wrong;
  if (auto wrong = read_expressions(input, compiler, request.options)) return wrong;
  return read_common(input, request);
}

template <class Input>
std::optional<api::Error> check_index(const Input& input, const Index* index) {
  if (!input.index_name) return std::nullopt;
  if (index == nullptr)
    return tables::validation("The table does not have the specified index: " + *input.index_name);
  if (index->global && input.consistent_read.value_or(false))
    return tables::validation("Consistent reads are not supported on global secondary indexes");
  if (index->state == Index::State::kCreating)
    return tables::validation("Cannot read from backfilling global secondary index: " +
                              index->name);
  return std::nullopt;
}

// Attributes that an index does not have: a global index refuses, a local one looks at the table.
std::optional<api::Error> check_projection(const tables::Definition& definition, const Index* index,
                                           ReadOptions& options) {
  if (index == nullptr || index->projection.kind == tables::Projection::Kind::kAll)
    return std::nullopt;
  options.whole_items = options.all_attributes;
  if (!options.projection) return std::nullopt;
  std::string absent;
  for (const auto& path : *options.projection) {
    if (index->projects(definition.keys, path.front().name)) continue;
    absent += (absent.empty() ? "" : ", ") + path.front().name;
  }
  if (absent.empty()) return std::nullopt;
  if (index->global)
    return tables::invalid_parameter("Global secondary index " + index->name +
                                     " does not project [" + absent + "]");
  options.whole_items = true;
  return std::nullopt;
}

template <class Output, class Input>
Answer<wire::Prepared<Output>> run(const Deps& deps, Input input, Request request) {
  auto table = find_table(deps, request.name);
  if (!table) co_return std::unexpected(std::move(table).error());
  const auto definition = (*table)->definition();
  const Index* const index = input.index_name ? definition->find_index(*input.index_name) : nullptr;
  if (auto wrong = check_index(input, index)) co_return std::unexpected(*std::move(wrong));
  ReadOptions& options = request.options;
  if (auto wrong = request.tests ? check_query(*definition, index, *request.tests, options)
                                 : check_scan(*definition, index, request.segment, options))
    co_return std::unexpected(*std::move(wrong));
  if (auto wrong = check_projection(*definition, index, options))
    co_return std::unexpected(*std::move(wrong));

  const Drawn drawn{deps, **table, *definition};
  tables::Item key;  // what a query asks of its partition; a scan goes through all of them
  if (request.tests && deps.throttle != nullptr)
    for (const auto& [attribute, test] : *request.tests)
      if (!test.values.empty()) key[attribute] = test.values.front();
  if (auto refused = refuse_read(drawn, index, &key))
    co_return std::unexpected(*std::move(refused));
  options.keep_stored = true;
  const bool kept_stored = options.keeps_stored();
  const bool shows_items = !options.count_only;
  auto reading = request.tests
                     ? deps.tables.reader().query(*table, definition, index,
                                                  *std::move(request.tests), std::move(options))
                     : deps.tables.reader().scan(*table, definition, index, request.segment,
                                                 std::move(options));
  auto page = co_await std::move(reading);
  if (!page) co_return std::unexpected(std::move(page).error());
  Output output;
  output.count = static_cast<std::int32_t>(page->count);
  output.scanned_count = static_cast<std::int32_t>(page->scanned);
  output.last_evaluated_key = std::move(page->last);
  const bool consistent = input.consistent_read.value_or(false);
  Units units;
  const double read = tables::read_units(*page, consistent);
  if (index != nullptr) {
    units.indexes[index->name] = read;
    units.table = tables::read_units(page->table_bytes, consistent);
  } else {
    units.table = read;
  }
  charge_read(drawn, index, &key, index == nullptr ? read : read + units.table);
  output.consumed_capacity =
      consumed(input.return_consumed_capacity, request.name, *definition, units);
  wire::Prepared<Output> prepared;
  if (kept_stored) prepared.member = std::make_unique<StoredItems<Output>>(std::move(page->stored));
  else if (shows_items) output.items = std::move(page->items);
  prepared.head = std::move(output);
  co_return prepared;
}

Answer<wire::Prepared<d::QueryOutput>> query(const Deps& deps, const Context& context,
                                             d::QueryInput input) {
  auto name = item_table(context, input.table_name);
  if (!name) co_return std::unexpected(std::move(name).error());
  Request request{.name = *std::move(name)};
  if (auto wrong = read_query(input, request)) co_return std::unexpected(*std::move(wrong));
  auto output = co_await run<d::QueryOutput>(deps, std::move(input), std::move(request));
  co_return output;
}

Answer<wire::Prepared<d::ScanOutput>> scan(const Deps& deps, const Context& context,
                                           d::ScanInput input) {
  auto name = item_table(context, input.table_name);
  if (!name) co_return std::unexpected(std::move(name).error());
  Request request{.name = *std::move(name)};
  if (auto wrong = read_scan(input, request)) co_return std::unexpected(*std::move(wrong));
  auto output = co_await run<d::ScanOutput>(deps, std::move(input), std::move(request));
  co_return output;
}

template <class Input>
void add_shared(auth::Check& check, const Input& input, Attributes& attributes) {
  if (input.attributes_to_get) attributes.add(*input.attributes_to_get);
  attributes.add_expression(input.projection_expression, input.expression_attribute_names);
  attributes.add_expression(input.filter_expression, input.expression_attribute_names);
  add_context(check, "dynamodb:Select", input.select);
  add_context(check, "dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity);
}

// The hash key that a Query asks for, as far as it can be told; what cannot be told stays out and
// so fails a policy that asks for it.
tables::Item leading_key(const d::QueryInput& input) {
  tables::Item key;
  if (input.key_conditions) {
    for (const auto& [name, condition] : *input.key_conditions) {
      if (condition.attribute_value_list && !condition.attribute_value_list->empty())
        key[name] = condition.attribute_value_list->front();
    }
    return key;
  }
  if (!input.key_condition_expression) return key;
  auto values = input.expression_attribute_values;
  Compiler compiler(input.expression_attribute_names, values);
  const auto condition =
      compiler.condition("KeyConditionExpression", *input.key_condition_expression);
  if (!condition) return key;
  const auto tests = expression::to_key_tests(*condition);
  if (!tests) return key;
  for (const auto& [name, test] : *tests) {
    if (!test.values.empty()) key[name] = test.values.front();
  }
  return key;
}

api::Outcome<wire::Checks> query_permission(const Deps& deps, const Context& context,
                                            const d::QueryInput& input) {
  const auto name = item_table(context, input.table_name);
  if (!name) return std::unexpected(name.error());
  auth::Check made = table_check(deps, "dynamodb:Query", *name, input.index_name);
  made.add_conditions = [&deps, &context, &input](auth::Check& check) {
    Attributes attributes;
    add_shared(check, input, attributes);
    attributes.add_names(input.key_conditions);
    attributes.add_names(input.query_filter);
    attributes.add_expression(input.key_condition_expression, input.expression_attribute_names);
    add_leading_key(check, deps, *item_table(context, input.table_name), leading_key(input));
    std::move(attributes).into(check);
  };
  return wire::one_check(std::move(made));
}

api::Outcome<wire::Checks> scan_permission(const Deps& deps, const Context& context,
                                           const d::ScanInput& input) {
  const auto name = item_table(context, input.table_name);
  if (!name) return std::unexpected(name.error());
  auth::Check made = table_check(deps, "dynamodb:Scan", *name, input.index_name);
  made.add_conditions = [&input](auth::Check& check) {
    Attributes attributes;
    add_shared(check, input, attributes);
    attributes.add_names(input.scan_filter);
    std::move(attributes).into(check);
  };
  return wire::one_check(std::move(made));
}

}  // namespace

void register_queries(Measured& registry, const Deps& deps) {
  registry.add_prepared<d::op::Query>(
      [&deps](const Context& context, const d::QueryInput& input) {
        return query_permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return query(deps, context, std::move(input));
      });
  registry.add_prepared<d::op::Scan>(
      [&deps](const Context& context, const d::ScanInput& input) {
        return scan_permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return scan(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
