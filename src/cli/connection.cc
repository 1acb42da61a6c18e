#include "cli/connection.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "api/kinesis/operations.h"
#include "io/real_files.h"
#include "server/secrets.h"

namespace cli {
namespace {

constexpr std::uint64_t kAuthoritiesBytesMax = 16 << 20;
constexpr const char* kGroup = "Server";

}  // namespace

void add_connection_options(CLI::App& command, Connection& connection) {
  command
      .add_option("--endpoint", connection.overrides.endpoint,
                  "The server's URL; else AWS_ENDPOINT_URL, else AWS")
      ->group(kGroup);
  command.add_option("--region", connection.overrides.region, "The region; else AWS_REGION")
      ->group(kGroup);
  command
      .add_option("--data-dir", connection.data_dir,
                  "Take endpoint, region and the root user's key from this data folder of Millrace "
                  "instead of the environment")
      ->group(kGroup);
}

std::string connection_footer() {
  return "Credentials, region and endpoint come from the environment, as for AWS's own tools:\n"
         "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,\n"
         "AWS_ENDPOINT_URL, or that of the service (neither: AWS), AWS_CA_BUNDLE.\n"
         "For Millrace: eval \"$(millrace env --data-dir DIR)\"\n";
}

std::string env(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string env(const char* name, const char* otherwise) {
  const std::string value = env(name);
  return value.empty() ? env(otherwise) : value;
}

base::Result<client::Target> find_kinesis(const Connection& connection) {
  return find_service(api::kinesis::kService, connection);
}

base::Result<client::Target> find_service(const api::Service& service,
                                          const Connection& connection) {
  if (connection.data_dir.empty())
    return client::find_target(service, connection.overrides,
                               [](const char* name) { return env(name); });
  io::RealFiles files;
  ASSIGN_OR_RETURN(const auto facts, server::read_folder(files, connection.data_dir));
  return client::find_target(service, connection.overrides, [&facts](std::string_view name) {
    if (name == "AWS_ENDPOINT_URL") return facts.endpoint;
    if (name == "AWS_REGION") return facts.region;
    if (name == "AWS_ACCESS_KEY_ID") return facts.root.id;
    if (name == "AWS_SECRET_ACCESS_KEY") return facts.root.secret;
    return std::string();
  });
}

base::Result<std::string> read_authorities() {
  const std::string path = env("AWS_CA_BUNDLE");
  if (path.empty()) return std::string();
  io::RealFiles files;
  return io::read_file(files, path, kAuthoritiesBytesMax);
}

}  // namespace cli
