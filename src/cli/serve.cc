// millrace serve
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "cli/commands.h"
#include "server/server.h"

namespace cli {
namespace {

using Place = std::pair<std::string, std::uint16_t>;

// "127.0.0.1:4566", "[::1]:4566", "0.0.0.0:80"
std::optional<Place> parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  unsigned port = 0;
  const std::string digits = text.substr(colon + 1);
  if (!CLI::detail::lexical_cast(digits, port) || port > 65535 || address.empty())
    return std::nullopt;
  return Place{std::move(address), static_cast<std::uint16_t>(port)};
}

// Throws what CLI11 shows to the user.
Place place_of(const std::string& option, const std::string& text) {
  auto place = parse_listen(text);
  if (!place) throw CLI::ValidationError(option, "wants ADDRESS:PORT, for example 127.0.0.1:4566");
  return *std::move(place);
}

}  // namespace

void add_serve(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand("serve", "Run the server until Ctrl-C");
  const auto settings = std::make_shared<server::Settings>();
  const auto listen = std::make_shared<std::string>("127.0.0.1:4566");
  const auto metrics = std::make_shared<std::string>();
  command
      ->add_option("--data-dir", settings->data_dir,
                   "Where everything is kept; made if it is not there")
      ->required();
  command->add_option("--listen", *listen, "Address and port; port 0 takes any free one")
      ->capture_default_str();
  command->add_option("--metrics-listen", *metrics,
                      "Address and port of a page for Prometheus, for everybody who reaches it");
  command->add_option("--region", settings->region, "Region of requests that name none")
      ->capture_default_str();
  command->add_option("--account-id", settings->account_id, "The account's 12 digits")
      ->capture_default_str()
      ->check([](const std::string& id) {
        const bool ok = id.size() == 12 && id.find_first_not_of("0123456789") == std::string::npos;
        return ok ? std::string() : std::string("an account id has 12 digits");
      });
  command->add_option("--cores", settings->cores, "Threads that serve; 0: one for each processor")
      ->capture_default_str();
  command->add_option("--cache-bytes", settings->cache_bytes, "Memory for stored keys")
      ->capture_default_str();
  command->add_option("--shard-limit", settings->shard_limit, "Kinesis shards a region and account")
      ->capture_default_str();
  command->add_flag("--enforce-limits", settings->enforce_limits,
                    "Limit the throughput of Kinesis shards and DynamoDB tables as AWS does");
  command
      ->add_option("--table-creation-ms", settings->table_creation_ms,
                   "How long a new DynamoDB table stays CREATING")
      ->capture_default_str();
  command->add_option("--runtimes-dir", settings->runtimes_dir,
                      "Modules for functions: node/node_modules, python");
  command->add_flag("--allow-weak-sandbox", settings->allow_weak_sandbox,
                    "Run functions although this host cannot isolate them fully");
  command->callback([settings, listen, metrics, &exit_code] {
    std::tie(settings->address, settings->port) = place_of("--listen", *listen);
    if (!metrics->empty())
      std::tie(settings->metrics_address, settings->metrics_port) =
          place_of("--metrics-listen", *metrics);
    exit_code = server::serve(*settings);
  });
}

}  // namespace cli
