// millrace table get, query and scan
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/table.h"

namespace cli {
namespace {

namespace d = api::dynamodb;
using client::Item;

constexpr std::string_view kGet = "table get";
constexpr std::string_view kQuery = "table query";
constexpr std::string_view kScan = "table scan";
constexpr std::size_t kItemsDefault = 100;
constexpr std::size_t kTableRowsMax = 10'000;  // what is drawn is held in memory

struct ReadOptions {
  Connection connection;
  PrintOptions print;
  std::string table, index, hash, range;
  client::RangeWords words;
  std::vector<std::string> where;
  std::size_t limit = kItemsDefault;
  bool reverse = false;
  bool follow = false;
};

base::Error unknown_index(const ReadOptions& options) {
  return {base::ErrorCode::kInvalidArgument,
          fmt::format("{} has no index {}. Which it has: millrace table describe {}", options.table,
                      options.index, options.table)};
}

// --- get -----------------------------------------------------------------------------------------

base::Result<Item> key_of(const d::TableDescription& table, const ReadOptions& options) {
  ASSIGN_OR_RETURN(const auto names, client::key_names(table, ""));
  const auto types = client::key_types(table);
  Item key;
  ASSIGN_OR_RETURN(key[names->hash], client::key_value(types, names->hash, options.hash));
  if (names->range.empty() == options.range.empty()) {
    if (names->range.empty()) return key;
    ASSIGN_OR_RETURN(key[names->range], client::key_value(types, names->range, options.range));
    return key;
  }
  return base::error(base::ErrorCode::kInvalidArgument,
                     names->range.empty()
                         ? fmt::format("the key of {} is {} alone", options.table, names->hash)
                         : fmt::format("an item of {} is found by {} and {}; all with one {}: "
                                       "millrace table query {} {}",
                                       options.table, names->hash, names->range, names->hash,
                                       options.table, options.hash));
}

int get(TableSessions sessions, const ReadOptions& options) {
  auto& session = sessions.items;
  const auto table = session.run(client::describe_table(session.retries(), options.table));
  if (!table) return complain_of_table(kGet, table.error(), session.target());
  const auto key = key_of(*table, options);
  if (!key) return complain(kGet, key.error());
  const auto read = [&] {
    d::GetItemInput input;
    input.table_name = options.table;
    input.key = *key;
    input.consistent_read = true;
    const auto answer =
        session.run(client::call_patiently<d::op::GetItem>(session.retries(), input));
    if (!answer) return complain_of_table(kGet, answer.error(), session.target());
    if (!answer->item || answer->item->empty()) {
      fmt::print(stderr, "no such item in {}\n", options.table);
      return options.follow ? 0 : kFailed;
    }
    if (options.print.as_json()) fmt::print("{}\n", options.print.json_of(*answer->item));
    else
      fmt::print("{}",
                 client::item_table(*answer->item, client::key_names(*table, "")->value().all(),
                                    options.print.style()));
    return 0;
  };
  if (!options.follow) return read();
  const auto concerns = [&key](const Item& keys) {
    for (const auto& [name, value] : *key) {
      const auto at = keys.find(name);
      if (at == keys.end() || !client::same_key(at->second, value)) return false;
    }
    return true;
  };
  return follow_table(kGet, sessions, *table, options.print, concerns, read);
}

// --- query, scan ---------------------------------------------------------------------------------

// Prints items as they come, or all together as a table.
class ItemPrinter {
 public:
  ItemPrinter(const PrintOptions& options, std::vector<std::string> keys)
      : options_(options), keys_(std::move(keys)) {}

  bool take(std::vector<Item> items) {
    if (!options_.as_json()) {
      for (Item& item : items) rows_.push_back(std::move(item));
      return true;
    }
    for (const Item& item : items) {
      const std::string line = options_.json_of(item) + '\n';
      if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) return false;
    }
    return true;
  }
  void finish() const {
    if (!rows_.empty()) fmt::print("{}", client::items_table(rows_, keys_, options_.style()));
    std::fflush(stdout);
  }

 private:
  const PrintOptions& options_;
  std::vector<std::string> keys_;
  std::vector<Item> rows_;
};

template <class Op>
int print_items(std::string_view command, client::Session& session, const ReadOptions& options,
                typename Op::Input input, std::vector<std::string> keys) {
  std::size_t limit = options.limit;
  if (!options.print.as_json() && (limit == 0 || limit > kTableRowsMax)) limit = kTableRowsMax;
  // With a filter, items that are looked at are not items that are shown.
  if (limit > 0 && limit < kItemsDefault && options.where.empty())
    input.limit = static_cast<std::int32_t>(limit);
  ItemPrinter printer(options.print, std::move(keys));
  const auto end = session.run(client::read_items<Op>(
      session.retries(), std::move(input), limit,
      [&printer](std::vector<Item> items) { return printer.take(std::move(items)); }));
  if (!end) return complain_of_table(command, end.error(), session.target());
  printer.finish();
  if (end->items == 0 && !end->more) fmt::print(stderr, "no items\n");
  if (!end->more) return 0;
  if (limit == kTableRowsMax)
    fmt::print(stderr, "there is more than {} items; --json --limit 0 prints all\n", end->items);
  else fmt::print(stderr, "there is more than {} items; --limit 0 prints all\n", end->items);
  return 0;
}

template <class Input>
base::Status fill(Input& input, const ReadOptions& options, const client::KeyTypes& types,
                  client::Words words) {
  input.table_name = options.table;
  if (!options.index.empty()) input.index_name = options.index;
  ASSIGN_OR_RETURN(auto filter, client::filter_words(options.where, types));
  if (!filter.expression.empty()) input.filter_expression = std::move(filter.expression);
  words.names.merge(filter.names);
  words.values.merge(filter.values);
  if (!words.names.empty()) input.expression_attribute_names = std::move(words.names);
  if (!words.values.empty()) input.expression_attribute_values = std::move(words.values);
  return {};
}

// The columns that come first: an index's keys, then the table's.
std::vector<std::string> first_columns(const d::TableDescription& table,
                                       const client::KeyNames& keys) {
  std::vector<std::string> columns = keys.all();
  const auto own = client::key_names(table, "");
  if (own && *own)
    for (const std::string& name : (*own)->all())
      if (std::ranges::find(columns, name) == columns.end()) columns.push_back(name);
  return columns;
}

int query(TableSessions sessions, const ReadOptions& options) {
  auto& session = sessions.items;
  const auto table = session.run(client::describe_table(session.retries(), options.table));
  if (!table) return complain_of_table(kQuery, table.error(), session.target());
  const auto keys = client::key_names(*table, options.index);
  if (!keys) return complain(kQuery, keys.error());
  if (!*keys) return complain(kQuery, unknown_index(options));
  const auto types = client::key_types(*table);
  auto words = client::key_words(**keys, types, options.hash, options.words);
  if (!words) return complain(kQuery, words.error());
  d::QueryInput input;
  input.key_condition_expression = words->expression;
  const Item held = words->values;
  if (options.reverse) input.scan_index_forward = false;
  const auto filled = fill(input, options, types, *std::move(words));
  if (!filled) return complain(kQuery, filled.error());
  const auto read = [&] {
    return print_items<d::op::Query>(kQuery, session, options, input,
                                     first_columns(*table, **keys));
  };
  if (!options.follow) return read();
  const auto concerns = [&](const Item& changed) {
    const auto at = changed.find((*keys)->hash);
    return at != changed.end() && client::same_key(at->second, held.at(":h"));
  };
  return follow_table(kQuery, sessions, *table, options.print, concerns, read);
}

int scan(TableSessions sessions, const ReadOptions& options) {
  auto& session = sessions.items;
  const auto table = session.run(client::describe_table(session.retries(), options.table));
  if (!table) return complain_of_table(kScan, table.error(), session.target());
  auto keys = client::key_names(*table, options.index);
  if (keys && !*keys) return complain(kScan, unknown_index(options));
  d::ScanInput input;
  const auto filled = fill(input, options, client::key_types(*table), {});
  if (!filled) return complain(kScan, filled.error());
  const auto read = [&] {
    const auto columns =
        first_columns(*table, keys ? keys->value_or(client::KeyNames()) : client::KeyNames());
    return print_items<d::op::Scan>(kScan, session, options, input, columns);
  };
  if (!options.follow) return read();
  return follow_table(
      kScan, sessions, *table, options.print, [](const Item&) { return true; }, read);
}

// --- options -------------------------------------------------------------------------------------

using Run = int (*)(TableSessions, const ReadOptions&);

CLI::App* add(CLI::App& table, int& exit_code, const std::shared_ptr<ReadOptions>& options,
              std::string_view command, const std::string& name, const std::string& words,
              Run run) {
  auto* const added = table.add_subcommand(name, words);
  added->add_option("TABLE", options->table, "The table, or its ARN")->required();
  add_print_options(*added, options->print);
  add_connection_options(*added, options->connection);
  added->callback([options, command, run, &exit_code] {
    exit_code = with_tables(command, options->connection,
                            [&](TableSessions sessions) { return run(sessions, *options); });
  });
  return added;
}

CLI::Option* add_follow(CLI::App& command, ReadOptions& options, const std::string& what) {
  return command.add_flag(
      "-f,--follow", options.follow,
      "Then go on with the changes of " + what + ", until Ctrl-C; the table needs a stream");
}

void add_many_options(CLI::App& command, ReadOptions& options, CLI::Option* follow) {
  command.add_option("--index", options.index, "Read this index instead of the table")
      ->excludes(follow);
  command
      .add_option("--where", options.where,
                  "Only items where this holds: NAME=VALUE (or != < <= > >=, ^= begins with, ~= "
                  "contains), NAME (is there), !NAME (is not). All that are given have to hold. "
                  "NAME may be a path, a.b[0]; VALUE is a number, true, false or null if it looks "
                  "like one and is not in quotes")
      ->allow_extra_args(false)
      ->excludes(follow);
  command.add_option("--limit", options.limit, "Items at most; 0: all")->capture_default_str();
}

void add_query(CLI::App& table, int& exit_code) {
  const auto options = std::make_shared<ReadOptions>();
  auto* const command =
      add(table, exit_code, options, kQuery, "query", "The items with one hash key", query);
  command->add_option("HASH", options->hash, "The hash key; binary ones in base64")->required();
  auto* const follow = add_follow(*command, *options, "these items");
  add_many_options(*command, *options, follow);
  const auto range = [&](const std::string& name, std::optional<std::string>& to,
                         const std::string& words) {
    return command->add_option(name, to, words)->excludes(follow);
  };
  auto* const equals = range("--eq", options->words.equals, "Whose range key is this");
  auto* const begins =
      range("--begins", options->words.begins, "Whose range key begins so")->excludes(equals);
  range("--from", options->words.from, "Whose range key is this or above")
      ->excludes(equals)
      ->excludes(begins);
  range("--to", options->words.to, "Whose range key is this or below")
      ->excludes(equals)
      ->excludes(begins);
  command->add_flag("--reverse", options->reverse, "From the highest range key down");
  command->footer(
      "  millrace table query events device-7 --from 2026-11 --reverse --limit 10\n"
      "  millrace table query events device-7 --where 'level>=3' --json | jq .message");
}

}  // namespace

void add_print_options(CLI::App& command, PrintOptions& options) {
  command
      .add_option("--columns", options.columns,
                  "These attributes only, with commas between; top-level ones")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_flag("--wide", options.wide, "All columns and whole values, however long the lines");
  auto* const plain = command.add_flag(
      "--json", options.json,
      "A JSON object a line; sets are arrays, binaries are in base64, numbers as they are");
  command
      .add_flag("--typed", options.typed,
                "A line of DynamoDB's own JSON for each, as the AWS CLI takes for --item")
      ->excludes(plain);
}

void add_table_reads(CLI::App& table, int& exit_code) {
  const auto of_get = std::make_shared<ReadOptions>();
  auto* const one = add(table, exit_code, of_get, kGet, "get", "One item, by its key", get);
  one->add_option("HASH", of_get->hash, "The hash key; binary ones in base64")->required();
  one->add_option("RANGE", of_get->range, "The range key, if the table has one");
  add_follow(*one, *of_get, "the item");
  add_query(table, exit_code);
  const auto of_scan = std::make_shared<ReadOptions>();
  auto* const all =
      add(table, exit_code, of_scan, kScan, "scan", "The items, whatever their keys", scan);
  add_many_options(*all, *of_scan, add_follow(*all, *of_scan, "the table"));
  all->footer(
      "A change is a line: time, INSERT, MODIFY or REMOVE, keys, and what is new or changed, with\n"
      "tabs between. With --json an object: time, event, keys, before and after as far as the\n"
      "stream has them, and expired where time to live removed the item.\n"
      "  millrace table scan events --where 'level>=3' --columns id,level,message\n"
      "  millrace table scan events -f --limit 10");
}

}  // namespace cli
