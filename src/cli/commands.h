#pragma once

// The subcommands of `millrace`. Each adds itself to the parser and leaves its exit code.

namespace CLI {
class App;
}

namespace cli {

void add_serve(CLI::App& app, int& exit_code);
void add_env(CLI::App& app, int& exit_code);
void add_feed(CLI::App& app, int& exit_code);
void add_stream(CLI::App& app, int& exit_code);
void add_mapping(CLI::App& app, int& exit_code);
void add_table(CLI::App& app, int& exit_code);

}  // namespace cli
