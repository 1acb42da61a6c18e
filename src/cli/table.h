#pragma once

// What the subcommands of `millrace table` share. Used by the command's own thread.

#include <functional>
#include <string>

#include "cli/stream.h"
#include "client/item_words.h"
#include "client/table_calls.h"

namespace cli {

// Each adds itself below `table`.
void add_table_looks(CLI::App& table, int& exit_code);  // list, describe
void add_table_reads(CLI::App& table, int& exit_code);  // get, query, scan

int complain_of_table(std::string_view command, const client::Failure& failure,
                      const client::Target& target);

// Sessions with DynamoDB and with the streams of its tables.
struct TableSessions {
  client::Session& items;
  client::Session& streams;
};
int with_tables(std::string_view command, const Connection& connection,
                const std::function<int(TableSessions)>& work);

struct PrintOptions {
  std::vector<std::string> columns;
  bool wide = false;
  bool json = false;
  bool typed = false;

  bool as_json() const { return json || typed; }
  std::string json_of(const client::Item& item) const {
    return typed ? client::typed_json(item) : client::plain_json(item);
  }
  client::ItemTableStyle style() const { return {draw_style(), wide, columns}; }
};
void add_print_options(CLI::App& command, PrintOptions& options);

// Prints what is there with `read`, which answers the exit code, then each change whose keys
// `concerns`; nothing of either is missed in between. Ctrl-C ends it.
int follow_table(std::string_view command, TableSessions sessions,
                 const api::dynamodb::TableDescription& table, const PrintOptions& print,
                 const std::function<bool(const client::Item& keys)>& concerns,
                 const std::function<int()>& read);

}  // namespace cli
