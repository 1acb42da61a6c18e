// BatchGetItem, BatchWriteItem.

#include <algorithm>
#include <set>

#include "services/dynamodb/packed_item.h"
#include "services/dynamodb/requests.h"
#include "services/dynamodb/throttling.h"
#include "tables/expression/evaluate.h"

namespace services::dynamodb {

namespace {

constexpr std::size_t kBatchWritesMax = 25;
constexpr std::size_t kBatchGetsMax = 100;
constexpr std::size_t kBatchAnswerBytesMax = 16U << 20U;
// Of one table: what a partition answers at once, and the item that goes beyond it.
constexpr std::size_t kTableGetBytesMax = (1U << 20U) + tables::kItemBytesMax - 3;
constexpr const char* kDuplicates = "Provided list of item keys contains duplicates";

// One write of a batch, checked as far as it can be without its table.
api::Outcome<tables::Write> read_write(d::WriteRequest& request) {
  if (request.put_request.has_value() == request.delete_request.has_value())
    return tables::refuse(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
        "supported datatypes");
  if (request.delete_request) {
    tables::Item key = *std::move(request.delete_request->key);
    if (auto wrong = normalise_all(key)) return std::unexpected(*std::move(wrong));
    return tables::Write{.kind = tables::Write::Kind::kDelete, .item = std::move(key)};
  }
  auto item = read_item(*std::move(request.put_request->item));
  if (!item) return std::unexpected(std::move(item).error());
  if (item->bytes() > tables::kItemBytesMax)
    return tables::refuse("Item size has exceeded the maximum allowed size");
  return tables::Write{.kind = tables::Write::Kind::kPut, .item = *std::move(item)};
}

// What a batch writes to, once for each table.
struct Target {
  const std::string* given = nullptr;  // as the request names it
  tables::TableName name;
  tables::TablePtr table;
  std::shared_ptr<const tables::Definition> definition;
};

struct Batch {
  std::vector<Target> targets;
  std::vector<std::size_t> target_of;  // of each write
  std::vector<tables::TableWrite> writes;

  const Target& target(std::size_t write) const { return targets[target_of[write]]; }
};

std::optional<api::Error> check_batch_write(const tables::Definition& definition,
                                            const tables::Write& write) {
  auto wrong = tables::check_write(definition, write);
  const auto says = [&](const char* text) {
    return wrong->message.find(text) != std::string::npos;
  };
  const bool is_put = write.kind == tables::Write::Kind::kPut;
  if (wrong && is_put && (says("Missing the key") || says("Type mismatch for key")))
    return tables::validation("The provided key element does not match the schema");
  return wrong;
}

api::Outcome<Batch> read_batch(const Deps& deps, const Context& context,
                               d::BatchWriteItemInput& input) {
  Batch batch;
  std::size_t count = 0;
  for (const auto& [given, requests] : *input.request_items) count += requests.size();
  batch.writes.reserve(count);
  batch.target_of.reserve(count);
  for (auto& [given, requests] : *input.request_items) {
    auto name = item_table(context, given);
    if (!name) return std::unexpected(std::move(name).error());
    for (d::WriteRequest& request : requests) {
      auto write = read_write(request);
      if (!write) return std::unexpected(std::move(write).error());
      batch.target_of.push_back(batch.targets.size());
      batch.writes.push_back({.table = nullptr, .write = *std::move(write)});
    }
    batch.targets.push_back({.given = &given, .name = *std::move(name)});
  }
  if (batch.writes.size() > kBatchWritesMax)
    return tables::refuse("Too many items requested for the BatchWriteItem call");
  std::vector<std::string_view> seen;  // in order
  seen.reserve(batch.writes.size());
  for (std::size_t i = 0; i < batch.writes.size(); ++i) {
    Target& target = batch.targets[batch.target_of[i]];
    tables::TableWrite& one = batch.writes[i];
    if (target.table == nullptr) {
      auto table = find_table(deps, target.name);
      if (!table) return std::unexpected(std::move(table).error());
      target.table = *std::move(table);
      target.definition = target.table->definition();
    }
    if (auto wrong = check_batch_write(*target.definition, one.write))
      return std::unexpected(*std::move(wrong));
    one.table = target.table;
    one.key = tables::keys::item(*target.definition, one.write.item);
    const auto place = std::ranges::lower_bound(seen, std::string_view(one.key));
    if (place != seen.end() && *place == one.key) return tables::refuse(kDuplicates);
    seen.insert(place, one.key);
  }
  return batch;
}

template <class Capacities>
void add_capacity(Capacities& into, const std::optional<std::string>& wanted,
                  const tables::TableName& name, const tables::Definition& definition,
                  const Units& units) {
  auto one = consumed(wanted, name, definition, units);
  if (!one) return;
  if (!into) into.emplace();
  into->push_back(*std::move(one));
}

// Takes what limits of throughput hold back out of the batch and gives it back as unprocessed. The
// error, if that is everything.
std::optional<api::Error> hold_back(const Deps& deps, Batch& batch,
                                    d::BatchWriteItemOutput& output) {
  if (deps.throttle == nullptr) return std::nullopt;
  std::vector<std::size_t> target_of;
  std::vector<tables::TableWrite> left;
  std::optional<api::Error> refused;
  for (std::size_t i = 0; i < batch.writes.size(); ++i) {
    tables::TableWrite& one = batch.writes[i];
    const Target& target = batch.target(i);
    auto wrong = refuse_write({deps, *target.table, *target.definition}, *one.write.item);
    if (!wrong) {
      target_of.push_back(batch.target_of[i]);
      left.push_back(std::move(one));
      continue;
    }
    refused = std::move(wrong);
    auto& request = (*output.unprocessed_items)[*target.given].emplace_back();
    if (one.write.kind == tables::Write::Kind::kPut)
      request.put_request.emplace().item = *one.write.item.copy();
    else request.delete_request.emplace().key = one.write.item.copy();
  }
  if (left.empty()) return refused;
  batch.target_of = std::move(target_of);
  batch.writes = std::move(left);
  return std::nullopt;
}

Answer<d::BatchWriteItemOutput> batch_write(const Deps& deps, const Context& context,
                                            d::BatchWriteItemInput input) {
  auto batch = read_batch(deps, context, input);
  if (!batch) co_return std::unexpected(std::move(batch).error());
  d::BatchWriteItemOutput output;
  // Present though empty: clients look into it.
  output.unprocessed_items.emplace();
  if (auto refused = hold_back(deps, *batch, output))
    co_return std::unexpected(*std::move(refused));
  std::vector<tables::Item> keys;  // of each write, if writes are charged
  for (std::size_t i = 0; deps.throttle != nullptr && i < batch->writes.size(); ++i)
    keys.push_back(tables::key_of(batch->target(i).definition->keys, *batch->writes[i].write.item));
  auto written = co_await deps.tables.writer().write_all(std::move(batch->writes));
  if (!written) co_return std::unexpected(std::move(written).error());
  std::map<tables::TableName, std::pair<const Target*, Units>> units;
  std::pair<const Target*, Units>* latest = nullptr;
  for (std::size_t i = 0; i < written->size(); ++i) {
    const Target& target = batch->target(i);
    if (deps.throttle != nullptr)
      charge_write({deps, *target.table, *target.definition}, keys[i], (*written)[i]);
    if (!input.return_consumed_capacity) continue;
    if (latest == nullptr || latest->first != &target) latest = &units[target.name];
    auto& [of, sum] = *latest;
    of = &target;
    sum.table += (*written)[i].table_units;
    for (const auto& [index, amount] : (*written)[i].index_units) sum.indexes[index] += amount;
  }
  for (const auto& [name, sum] : units)
    add_capacity(output.consumed_capacity, input.return_consumed_capacity, name,
                 *sum.first->definition, sum.second);
  co_return output;
}

// What one table's part of a BatchGetItem asks for.
struct Gets {
  std::string given;  // the table as the request names it
  tables::TableName name;
  tables::TablePtr table;
  std::vector<tables::Item> keys;
  std::optional<expression::Projection> projection;
  bool consistent = false;
};

api::Outcome<Gets> read_gets(const Context& context, const std::string& given,
                             d::KeysAndAttributes& request, std::size_t& total) {
  Gets gets{.given = given};
  auto name = item_table(context, given);
  if (!name) return std::unexpected(std::move(name).error());
  gets.name = *std::move(name);
  if (auto wrong =
          check_parameters({{"ProjectionExpression", request.projection_expression.has_value()}},
                           {{"AttributesToGet", request.attributes_to_get.has_value()}},
                           request.expression_attribute_names.has_value(), false))
    return std::unexpected(*std::move(wrong));
  if (request.attributes_to_get) {
    auto made = outcome(expression::from_attributes_to_get(*request.attributes_to_get));
    if (!made) return std::unexpected(std::move(made).error());
    gets.projection = *std::move(made);
  }
  Compiler compiler(request.expression_attribute_names);
  if (auto wrong = compiler.prepare()) return std::unexpected(*std::move(wrong));
  if (request.projection_expression) {
    auto made = compiler.projection(*request.projection_expression);
    if (!made) return std::unexpected(std::move(made).error());
    gets.projection = *std::move(made);
  }
  if (auto wrong = compiler.finish()) return std::unexpected(*std::move(wrong));
  std::set<std::string> seen;
  for (tables::Item& key : *request.keys) {
    if (auto wrong = normalise_all(key)) return std::unexpected(*std::move(wrong));
    std::string text;
    for (const auto& [attribute, value] : key) text += attribute + tables::describe(value) + "/";
    if (!seen.insert(std::move(text)).second) return tables::refuse(kDuplicates);
    if (++total > kBatchGetsMax)
      return tables::refuse("Too many items requested for the BatchGetItem call");
  }
  gets.keys = *request.keys;
  gets.consistent = request.consistent_read.value_or(false);
  return gets;
}

std::optional<api::Error> check_gets(const Deps& deps, Gets& gets) {
  auto table = find_table(deps, gets.name);
  if (!table) return std::move(table).error();
  gets.table = *std::move(table);
  const auto definition = gets.table->definition();
  for (const tables::Item& key : gets.keys) {
    if (auto wrong = tables::check_key(definition->keys, key)) return wrong;
  }
  std::vector<const expression::Path*> paths;
  if (gets.projection) {
    for (const auto& path : *gets.projection) paths.push_back(&path);
  }
  return tables::check_key_paths(*definition, paths);
}

// With everything that the request said of the table besides its keys.
void add_unprocessed(d::BatchGetItemOutput& output, const std::string& table,
                     const d::KeysAndAttributes& request, tables::Item key) {
  auto& left = (*output.unprocessed_keys)[table];
  if (!left.keys) {
    left = request;
    left.keys->clear();
  }
  left.keys->push_back(std::move(key));
}

Answer<d::BatchGetItemOutput> batch_get(const Deps& deps, const Context& context,
                                        d::BatchGetItemInput input) {
  std::vector<Gets> all;
  std::size_t total = 0;
  for (auto& [given, request] : *input.request_items) {
    auto gets = read_gets(context, given, request, total);
    if (!gets) co_return std::unexpected(std::move(gets).error());
    all.push_back(*std::move(gets));
  }
  for (Gets& gets : all) {
    if (auto wrong = check_gets(deps, gets)) co_return std::unexpected(*std::move(wrong));
  }
  d::BatchGetItemOutput output;
  output.responses.emplace();
  output.unprocessed_keys.emplace();
  std::size_t answered = 0;
  std::size_t throttled = 0;
  std::optional<api::Error> refused;
  for (Gets& gets : all) {
    const auto definition = gets.table->definition();
    const Drawn drawn{deps, *gets.table, *definition};
    std::size_t of_table = 0;
    bool full = false;
    auto& found = (*output.responses)[gets.given];
    Units units;
    for (tables::Item& key : gets.keys) {
      if (auto wrong = refuse_read(drawn, nullptr, &key)) {
        refused = std::move(wrong);
        ++throttled;
        add_unprocessed(output, gets.given, (*input.request_items)[gets.given], std::move(key));
        continue;
      }
      std::optional<tables::Item> item;
      if (!full) {
        auto got = co_await deps.tables.reader().get(gets.table, key);
        if (!got) co_return std::unexpected(std::move(got).error());
        item = *std::move(got);
      }
      const std::size_t bytes = item ? tables::item_size(*item) : 1;
      full =
          full || of_table + bytes > kTableGetBytesMax || answered + bytes > kBatchAnswerBytesMax;
      if (full) {
        add_unprocessed(output, gets.given, (*input.request_items)[gets.given], std::move(key));
        units.table += tables::read_units(1, gets.consistent);
        continue;
      }
      units.table += tables::read_units(bytes, gets.consistent);
      charge_read(drawn, nullptr, &key, tables::read_units(bytes, gets.consistent));
      if (!item) continue;
      answered += bytes;
      of_table += bytes;
      found.push_back(gets.projection ? expression::project(*item, *gets.projection)
                                      : *std::move(item));
    }
    add_capacity(output.consumed_capacity, input.return_consumed_capacity, gets.name,
                 *gets.table->definition(), units);
  }
  if (throttled > 0 && throttled == total) co_return std::unexpected(*std::move(refused));
  co_return output;
}

api::Outcome<wire::Checks> write_permission(const Deps& deps, const Context& context,
                                            const d::BatchWriteItemInput& input) {
  wire::Checks checks;
  for (const auto& [given, requests] : *input.request_items) {
    const auto name = item_table(context, given);
    if (!name) return std::unexpected(name.error());
    auth::Check made = table_check(deps, "dynamodb:BatchWriteItem", *name);
    made.add_conditions = [&deps, name = *name, &requests](auth::Check& check) {
      Attributes attributes;
      for (const auto& request : requests) {
        const bool is_put = request.put_request && request.put_request->item;
        if (!is_put && !(request.delete_request && request.delete_request->key)) continue;
        const tables::Item& item =
            is_put ? **request.put_request->item : *request.delete_request->key;
        attributes.add(item);
        add_leading_key(check, deps, name, item);
      }
      std::move(attributes).into(check);
    };
    checks.push_back(std::move(made));
  }
  return checks;
}

api::Outcome<wire::Checks> get_permission(const Deps& deps, const Context& context,
                                          const d::BatchGetItemInput& input) {
  wire::Checks checks;
  for (const auto& [given, request] : *input.request_items) {
    const auto name = item_table(context, given);
    if (!name) return std::unexpected(name.error());
    auth::Check made = table_check(deps, "dynamodb:BatchGetItem", *name);
    made.add_conditions = [&deps, name = *name, &request](auth::Check& check) {
      Attributes attributes;
      if (request.attributes_to_get) attributes.add(*request.attributes_to_get);
      attributes.add_expression(request.projection_expression, request.expression_attribute_names);
      for (const auto& key : *request.keys) {
        attributes.add(key);
        add_leading_key(check, deps, name, key);
      }
      std::move(attributes).into(check);
    };
    checks.push_back(std::move(made));
  }
  return checks;
}

}  // namespace

void register_batches(Measured& registry, const Deps& deps) {
  registry.add<d::op::BatchWriteItem>(
      [&deps](const Context& context, const d::BatchWriteItemInput& input) {
        return write_permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return batch_write(deps, context, std::move(input));
      });
  registry.add<d::op::BatchGetItem>(
      [&deps](const Context& context, const d::BatchGetItemInput& input) {
        return get_permission(deps, context, input);
      },
      [&deps](const Context& context, auto input) {
        return batch_get(deps, context, std::move(input));
      });
}

}  // namespace services::dynamodb
