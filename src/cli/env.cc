// millrace env
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "io/real_files.h"
#include "server/secrets.h"

namespace cli {
namespace {

int print_env(const std::string& data_dir) {
  io::RealFiles files;
  const auto facts = server::read_folder(files, data_dir);
  if (!facts) {
    fmt::print(stderr,
               "millrace: {}\nIs {} the data folder of a server that has run? Start one with: "
               "millrace serve --data-dir {}\n",
               facts.error().message, data_dir, data_dir);
    return 1;
  }
  fmt::print("export AWS_ENDPOINT_URL={}\n", facts->endpoint);
  fmt::print("export AWS_ACCESS_KEY_ID={}\n", facts->root.id);
  fmt::print("export AWS_SECRET_ACCESS_KEY={}\n", facts->root.secret);
  fmt::print("export AWS_DEFAULT_REGION={0}\nexport AWS_REGION={0}\n", facts->region);
  fmt::print("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
  return 0;
}

}  // namespace

void add_env(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand(
      "env", "Print shell settings for a data folder: eval \"$(millrace env --data-dir DIR)\"");
  const auto folder = std::make_shared<std::string>();
  command->add_option("--data-dir", *folder, "The server's data folder")->required();
  command->callback([folder, &exit_code] { exit_code = print_env(*folder); });
}

}  // namespace cli
