// millrace stream, and its list and describe
#include "cli/stream.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "client/observe.h"
#include "client/stream_text.h"

namespace cli {
namespace {

namespace k = api::kinesis;
using async::Task;
using client::Answer;

constexpr std::string_view kList = "stream list";
constexpr std::string_view kDescribe = "stream describe";

bool locale_is_utf8() {
  std::string locale = env("LC_ALL");
  if (locale.empty()) locale = env("LC_CTYPE", "LANG");
  return locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos ||
         locale.find("utf-8") != std::string::npos;
}

// --- list ----------------------------------------------------------------------------------------
struct ListOptions {
  Connection connection;
  bool names = false;
};

int list(client::Session& session, const ListOptions& options) {
  const auto streams = session.run(client::list_streams(session.retries()));
  if (!streams) return complain(kList, streams.error(), session.target());
  if (options.names) {
    for (const std::string& name : streams->names) fmt::print("{}\n", name);
    return 0;
  }
  if (!streams->names.empty()) {
    fmt::print("{}", client::streams_table(*streams, draw_style()));
    return 0;
  }
  fmt::print(stderr,
             "no streams in {}; make one: aws kinesis create-stream --stream-name NAME "
             "--shard-count 1\n",
             session.target().region);
  return 0;
}

// --- describe ------------------------------------------------------------------------------------
struct DescribeOptions {
  Connection connection;
  std::string name;
  double seconds = 2;
  bool wide = false;
};

struct Description {
  k::StreamDescriptionSummary summary;
  std::vector<k::Shard> shards;
  std::map<std::string, client::Observed> observed;
};

Task<Answer<Description>> look(client::Retries with, std::string name,
                               std::chrono::milliseconds how_long) {
  Description description;
  k::DescribeStreamSummaryInput input;
  input.stream_name = name;
  auto summary = co_await client::call_patiently<k::op::DescribeStreamSummary>(with, input);
  if (!summary) co_return std::unexpected(std::move(summary).error());
  if (summary->stream_description_summary)
    description.summary = *std::move(summary->stream_description_summary);
  auto shards = co_await client::list_shards(with, name);
  if (!shards) co_return std::unexpected(std::move(shards).error());
  description.shards = *std::move(shards);
  if (how_long.count() == 0) co_return description;
  if (isatty(STDERR_FILENO) != 0)
    fmt::print(stderr, "looking at what comes in for {:.1f} s ...\n",
               static_cast<double>(how_long.count()) / 1000);
  auto observed = co_await client::observe(with, name, description.shards, how_long);
  if (!observed) co_return std::unexpected(std::move(observed).error());
  description.observed = *std::move(observed);
  co_return description;
}

int describe(client::Session& session, const DescribeOptions& options) {
  const std::chrono::milliseconds how_long(static_cast<std::int64_t>(options.seconds * 1000));
  const auto seen = session.run(look(session.retries(), options.name, how_long));
  if (!seen) return complain(kDescribe, seen.error(), session.target());
  client::ShardTableStyle style{.draw = draw_style(), .whole_numbers = options.wide};
  const bool looked = how_long.count() > 0;
  fmt::print("{}\n{}", client::summary_text(seen->summary),
             client::shard_table(seen->shards, looked ? &seen->observed : nullptr, style));
  if (looked)
    fmt::print("Rates: records counted as they came in, for {:.1f} s; bytes of data and keys.\n",
               options.seconds);
  return 0;
}

}  // namespace

int complain(std::string_view command, const client::Failure& failure,
             const client::Target& target) {
  fmt::print(stderr, "millrace {}: {}\n", command, client::to_string(failure));
  const std::string advice = client::advice(failure, target);
  if (!advice.empty()) fmt::print(stderr, "{}\n", advice);
  return kFailed;
}

int complain(std::string_view command, const base::Error& error) {
  fmt::print(stderr, "millrace {0}: {1}\nSee millrace {0} --help\n", command, error.message);
  return kMissing;
}

client::DrawStyle draw_style() {
  client::DrawStyle style{.unicode = locale_is_utf8()};
  winsize size{};
  if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    style.characters_max = size.ws_col;
  return style;
}

void add_stream_list(CLI::App& stream, int& exit_code) {
  auto* const command = stream.add_subcommand("list", "The streams of the region");
  const auto options = std::make_shared<ListOptions>();
  command->add_flag("--names", options->names, "Names only, one a line");
  add_connection_options(*command, options->connection);
  command->callback([options, &exit_code] {
    exit_code = with_session(kList, options->connection, "",
                             [&](client::Session& session) { return list(session, *options); });
  });
}

void add_stream_describe(CLI::App& stream, int& exit_code) {
  auto* const command = stream.add_subcommand(
      "describe", "A stream and a table of its shards, with what comes into each");
  const auto options = std::make_shared<DescribeOptions>();
  command->add_option("NAME", options->name, "The stream")->required();
  command
      ->add_option("--seconds", options->seconds,
                   "How long to count what comes in; it is read for that, from the end on. 0: do "
                   "not read, show no rates")
      ->capture_default_str()
      ->check(CLI::Range(0.0, static_cast<double>(client::kObserveMax.count())));
  command->add_flag(
      "--wide", options->wide,
      "Sequence numbers in full; they are shortened otherwise, and left out where the "
      "terminal is too narrow");
  add_connection_options(*command, options->connection);
  command->footer(
      "A closed shard was split or merged: it takes no records, and keeps its own until they are\n"
      "too old. \"made of\" has the numbers of the shards that a shard came from.");
  command->callback([options, &exit_code] {
    exit_code = with_session(kDescribe, options->connection, "",
                             [&](client::Session& session) { return describe(session, *options); });
  });
}

void add_stream(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand(
      "stream", "List, describe, fill and follow Kinesis streams of Millrace or AWS");
  command->require_subcommand(1);
  command->footer(connection_footer() +
                  "Exit code 0: done; 1: something failed; 2: something is missing.");
  add_stream_list(*command, exit_code);
  add_stream_describe(*command, exit_code);
  add_stream_put(*command, exit_code);
  add_stream_tail(*command, exit_code);
}

}  // namespace cli
