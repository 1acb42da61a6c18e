// The millrace command.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/commands.h"

int main(int argc, char** argv) {
  CLI::App app{
      "Millrace runs the Kinesis, Lambda and DynamoDB architecture on your own machine, over "
      "AWS's own protocols."};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Show the help of every command");
  int exit_code = 0;
  cli::add_serve(app, exit_code);
  cli::add_env(app, exit_code);
  cli::add_feed(app, exit_code);
  cli::add_stream(app, exit_code);
  cli::add_table(app, exit_code);
  cli::add_mapping(app, exit_code);
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}
