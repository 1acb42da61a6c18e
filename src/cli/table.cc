// millrace table, and its list and describe
#include "cli/table.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "api/dynamodbstreams/operations.h"
#include "cli/commands.h"
#include "client/table_text.h"

namespace cli {
namespace {

using client::Session;

constexpr std::string_view kList = "table list";
constexpr std::string_view kDescribe = "table describe";

struct ListOptions {
  Connection connection;
  bool names = false;
};

int list(Session& session, const ListOptions& options) {
  const auto names = session.run(client::list_table_names(session.retries()));
  if (!names) return complain_of_table(kList, names.error(), session.target());
  if (names->empty()) {
    fmt::print(stderr, "no tables in {}\n", session.target().region);
    return 0;
  }
  if (options.names) {
    for (const std::string& name : *names) fmt::print("{}\n", name);
    return 0;
  }
  const auto tables = session.run(client::describe_tables(session.retries(), *names));
  if (!tables) return complain_of_table(kList, tables.error(), session.target());
  fmt::print("{}", client::tables_table(*tables, draw_style()));
  return 0;
}

struct DescribeOptions {
  Connection connection;
  std::string name;
};

int describe(Session& session, const DescribeOptions& options) {
  const auto table = session.run(client::describe_table(session.retries(), options.name));
  if (!table) return complain_of_table(kDescribe, table.error(), session.target());
  fmt::print("{}", client::table_text(*table, draw_style()));
  return 0;
}

base::Result<client::Target> find_streams(Connection connection) {
  // AWS's tools write this service's name with a line between.
  if (connection.overrides.endpoint.empty() && connection.data_dir.empty())
    connection.overrides.endpoint = env("AWS_ENDPOINT_URL_DYNAMODB_STREAMS");
  return find_service(api::dynamodbstreams::kService, connection);
}

}  // namespace

int complain_of_table(std::string_view command, const client::Failure& failure,
                      const client::Target& target) {
  if (failure.code != "ResourceNotFoundException") return complain(command, failure, target);
  fmt::print(stderr, "millrace {}: {}\nWhat there is in {}: millrace table list\n", command,
             client::to_string(failure), target.region);
  return kFailed;
}

int with_tables(std::string_view command, const Connection& connection,
                const std::function<int(TableSessions)>& work) {
  auto items = find_service(api::dynamodb::kService, connection);
  if (!items) return complain(command, items.error());
  auto streams = find_streams(connection);
  if (!streams) return complain(command, streams.error());
  const auto authorities = read_authorities();
  if (!authorities) return complain(command, authorities.error());
  const Signals signals("");
  Session of_items(*std::move(items), *authorities, signals.stop());
  Session of_streams(*std::move(streams), *authorities, signals.stop());
  return work({of_items, of_streams});
}

void add_table_looks(CLI::App& table, int& exit_code) {
  auto* const all = table.add_subcommand("list", "The tables of the region");
  const auto list_options = std::make_shared<ListOptions>();
  all->add_flag("--names", list_options->names, "Names only, one a line");
  add_connection_options(*all, list_options->connection);
  all->callback([list_options, &exit_code] {
    exit_code = with_tables(kList, list_options->connection, [&](TableSessions sessions) {
      return list(sessions.items, *list_options);
    });
  });
  auto* const one =
      table.add_subcommand("describe", "A table: its keys, figures, stream and indexes");
  const auto options = std::make_shared<DescribeOptions>();
  one->add_option("NAME", options->name, "The table, or its ARN")->required();
  add_connection_options(*one, options->connection);
  one->callback([options, &exit_code] {
    exit_code = with_tables(kDescribe, options->connection, [&](TableSessions sessions) {
      return describe(sessions.items, *options);
    });
  });
}

void add_table(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand(
      "table", "List, describe, read and follow DynamoDB tables of Millrace or AWS");
  command->require_subcommand(1);
  command->footer(connection_footer() +
                  "Exit code 0: done; 1: something failed; 2: something is missing.");
  add_table_looks(*command, exit_code);
  add_table_reads(*command, exit_code);
}

}  // namespace cli
