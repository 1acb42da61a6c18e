// millrace stream tail
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>

#include "cli/stream.h"
#include "client/follow.h"
#include "client/stream_text.h"

namespace cli {
namespace {

constexpr std::string_view kTail = "stream tail";

struct Options {
  Connection connection;
  client::FollowOptions follow;
  client::RecordFilter filter;
  std::string from;
  std::string key;
  bool has_key = false;
  bool json = false;
};

// Prints what passes the filter. A reader that has gone (`| head`) ends the tail.
class Printer final : public client::FollowSink {
 public:
  explicit Printer(const Options& options) : options_(options) {}

  bool take(const std::string& shard, const std::vector<api::kinesis::Record>& records) override {
    std::string lines;
    for (const auto& record : records) {
      if (!options_.filter.lets_through(record)) continue;
      lines +=
          options_.json ? client::record_json(shard, record) : client::record_line(shard, record);
      lines += '\n';
    }
    const std::size_t written = std::fwrite(lines.data(), 1, lines.size(), stdout);
    if (written == lines.size() && std::fflush(stdout) == 0) return true;
    error_ = errno;
    return false;
  }
  void note(std::string line) override { fmt::print(stderr, "tail: {}\n", line); }

  int error() const { return error_; }

 private:
  const Options& options_;
  int error_ = 0;
};

int tail(client::Session& session, Options& options) {
  if (options.from.empty()) options.from = options.follow.follow ? "latest" : "trim";
  auto from = client::parse_from(options.from, session.clock().now());
  if (!from) return complain(kTail, from.error());
  options.follow.from = *std::move(from);
  options.follow.shard = client::whole_shard_id(options.follow.shard);
  if (options.has_key) options.filter.key = options.key;
  Printer printer(options);
  const auto ended =
      session.run(client::follow(session.retries(), options.follow, printer, session.clock()));
  if (!ended) return complain(kTail, ended.error(), session.target());
  if (printer.error() == 0 || printer.error() == EPIPE) return 0;
  return complain(kTail, base::errno_error("write to standard output", printer.error()).error());
}

}  // namespace

void add_stream_tail(CLI::App& stream, int& exit_code) {
  auto* const command =
      stream.add_subcommand("tail", "Print a stream's records, and follow it with -f");
  const auto options = std::make_shared<Options>();
  command->add_option("NAME", options->follow.stream, "The stream")->required();
  command->add_flag("-f,--follow", options->follow.follow, "Go on with what comes, until Ctrl-C");
  command->add_option(
      "--from", options->from,
      "Where to begin: trim (the oldest that is kept), latest (what comes from now on), a time "
      "(2026-11-23T04:51:00Z, 1795409460, or 15m for fifteen minutes ago), or a sequence number. "
      "Without it latest with -f, and trim otherwise");
  command->add_option("--shard", options->follow.shard,
                      "This shard only, by its id or its number, without those that come of it");
  command->add_option("--grep", options->filter.text, "Only records whose data hold this text");
  auto* const key =
      command->add_option("--key", options->key, "Only records of this partition key");
  command->add_flag("--json", options->json,
                    "A JSON object a line: arrival, shard, sequence, key, and data, or data_base64 "
                    "where it is not UTF-8");
  add_connection_options(*command, options->connection);
  command->footer(
      "A record is a line: time of arrival, shard, sequence number, key, data, with tabs between.\n"
      "Data that is not UTF-8 is shown in base64; characters that steer terminals as \\n, \\x1b.\n"
      "All shards are read, parents before the shards that came of them by splitting and merging. "
      "A\n"
      "shard's records keep their order; those of shards side by side mix. Without -f it ends "
      "when\n"
      "everything that was there is printed. Aggregated records (KPL) are shown as they are.\n"
      "  millrace stream tail events -f --grep error\n"
      "  millrace stream tail events --from 1h --json | jq .data");
  command->callback([options, key, &exit_code] {
    options->has_key = key->count() > 0;
    exit_code = with_session(kTail, options->connection, "",
                             [&](client::Session& session) { return tail(session, *options); });
  });
}

}  // namespace cli
