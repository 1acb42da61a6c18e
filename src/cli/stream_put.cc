// millrace stream put
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/digest.h"
#include "base/encoding.h"
#include "cli/stream.h"
#include "feed/feed.h"

namespace cli {
namespace {

namespace k = api::kinesis;

constexpr std::string_view kPut = "stream put";
constexpr std::chrono::seconds kGiveUpAfter{60};

struct Options {
  Connection connection;
  std::string name;
  std::string data = "-";
  std::string key;
};

int put_one(client::Session& session, const Options& options) {
  k::PutRecordInput input;
  input.stream_name = options.name;
  input.data = options.data;
  input.partition_key = options.key.empty() ? base::hex(base::md5(options.data)) : options.key;
  const auto put = session.run(client::call_patiently<k::op::PutRecord>(
      session.retries(), std::move(input), client::Patience{.give_up_after = kGiveUpAfter}));
  if (!put) return complain(kPut, put.error(), session.target());
  fmt::print("{}\t{}\n", put->shard_id.value_or(""), put->sequence_number.value_or(""));
  return 0;
}

int complain_of_lines(const base::Error& error, const client::Target& target) {
  client::Failure failure{.message = error.message};
  if (error.code == base::ErrorCode::kNotFound) failure.code = "ResourceNotFoundException";
  if (error.code == base::ErrorCode::kPermission) failure.code = "AccessDeniedException";
  failure.passing = true;
  failure.unreachable = error.code == base::ErrorCode::kUnavailable;
  return complain(kPut, failure, target);
}

int put_lines(const Options& options) {
  auto target = find_kinesis(options.connection);
  if (!target) return complain(kPut, target.error());
  auto authorities = read_authorities();
  if (!authorities) return complain(kPut, authorities.error());
  feed::Settings settings{.from = feed::From::kLines, .path = "-"};
  settings.raw_lines = true;
  settings.key = options.key;
  settings.strict = true;
  settings.authorities_pem = *std::move(authorities);
  settings.target = {
      .at = *target, .stream = options.name, .give_up_after = kGiveUpAfter, .reach_at_once = true};
  settings.progress_every = std::chrono::milliseconds(0);
  if (isatty(STDIN_FILENO) != 0)
    fmt::print(stderr, "put: each line becomes a record; Ctrl-D ends\n");
  const Signals signals("put: stopping; what has been read is put first (again to end at once)");
  const auto say = [](const std::string& line) { fmt::print(stderr, "put: {}\n", line); };
  const auto ended = feed::run(settings, say, signals.stop());
  const auto& figures = ended.figures;
  if (ended.status || figures.records > 0)
    fmt::print("put records={} bytes={} requests={} retried={}\n", figures.records, figures.bytes,
               figures.requests, figures.retried);
  return ended.status ? 0 : complain_of_lines(ended.status.error(), *target);
}

}  // namespace

void add_stream_put(CLI::App& stream, int& exit_code) {
  auto* const command = stream.add_subcommand("put", "Put a record, or a record for each line");
  const auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "The stream")->required();
  command
      ->add_option("DATA", options->data,
                   "The record; - makes a record of each line of standard input")
      ->capture_default_str();
  command->add_option("--key", options->key,
                      "The partition key; without it, a digest of each record's data");
  add_connection_options(*command, options->connection);
  command->footer(
      "Of one record, its shard and sequence number are printed. Lines go as they are, up to 1 "
      "MiB\n"
      "each, without their ends; blank ones are passed over. They travel in batches. What the "
      "stream\n"
      "refuses for now is sent again, for up to a minute; records of one key may change their "
      "order\n"
      "then. Ctrl-C puts what has been read.\n"
      "  millrace stream put events --key user-7 '{\"clicks\":1}'\n"
      "  tail -f access.log | millrace stream put events");
  command->callback([options, &exit_code] {
    exit_code = options->data == "-"
                    ? put_lines(*options)
                    : with_session(kPut, options->connection, "", [&](client::Session& session) {
                        return put_one(session, *options);
                      });
  });
}

}  // namespace cli
