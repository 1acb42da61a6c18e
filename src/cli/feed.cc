// millrace feed
#include "feed/feed.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "cli/commands.h"
#include "cli/connection.h"
#include "cli/signals.h"

namespace cli {
namespace {

struct Options {
  feed::Settings settings;
  Connection connection;
  std::string live;
  double progress_seconds = -1;
  unsigned linger_ms = 100;
  unsigned silence_ms = 20'000;
  unsigned give_up_seconds = 300;
};

const std::map<std::string, feed::From> kLive = {
    {"x", feed::From::kXv2},
    {"x-v1", feed::From::kXv1},
    {"mastodon", feed::From::kMastodon},
    {"wikimedia", feed::From::kWikimedia},
    {"sse", feed::From::kServerSentEvents},
    {"ndjson", feed::From::kNdjson},
};

base::Status read_source(Options& options) {
  using base::ErrorCode;
  feed::Settings& settings = options.settings;
  if (!settings.path.empty()) settings.from = feed::From::kLines;
  else if (options.live.empty()) settings.from = feed::From::kGenerator;
  else settings.from = kLive.at(options.live);
  if (options.live == "x") {
    settings.bearer = env("X_BEARER_TOKEN");
    if (settings.bearer.empty())
      return base::error(ErrorCode::kInvalidArgument, "--live x wants X_BEARER_TOKEN");
  }
  if (options.live == "mastodon") settings.bearer = env("MASTODON_ACCESS_TOKEN");
  if (options.live == "sse" || options.live == "ndjson") {
    settings.bearer = env("FEED_BEARER_TOKEN");
    if (settings.url.empty())
      return base::error(ErrorCode::kInvalidArgument, "--live " + options.live + " wants --url");
  }
  if (options.live == "x-v1") {
    settings.oauth1 = {env("X_CONSUMER_KEY"), env("X_CONSUMER_SECRET"), env("X_ACCESS_TOKEN"),
                       env("X_ACCESS_TOKEN_SECRET")};
    const auto& keys = settings.oauth1;
    if (keys.consumer_key.empty() || keys.consumer_secret.empty() || keys.token.empty() ||
        keys.token_secret.empty())
      return base::error(ErrorCode::kInvalidArgument,
                         "--live x-v1 wants X_CONSUMER_KEY, X_CONSUMER_SECRET, X_ACCESS_TOKEN and "
                         "X_ACCESS_TOKEN_SECRET");
    if (settings.track.empty())
      return base::error(ErrorCode::kInvalidArgument, "--live x-v1 wants --track WORDS");
  }
  return {};
}

base::Status read_target(Options& options) {
  using base::ErrorCode;
  feed::KinesisTarget& target = options.settings.target;
  if (options.settings.print) return {};
  if (target.stream.empty())
    return base::error(ErrorCode::kInvalidArgument, "name the stream: --stream NAME (or --print)");
  ASSIGN_OR_RETURN(target.at, find_kinesis(options.connection));
  target.give_up_after = std::chrono::seconds(options.give_up_seconds);
  return {};
}

base::Status complete(Options& options) {
  RETURN_IF_ERROR(read_source(options));
  RETURN_IF_ERROR(read_target(options));
  feed::Settings& settings = options.settings;
  settings.linger = std::chrono::milliseconds(options.linger_ms);
  settings.silence_max = std::chrono::milliseconds(options.silence_ms);
  const double seconds = options.progress_seconds >= 0 ? options.progress_seconds
                         : isatty(STDERR_FILENO) != 0  ? 1
                                                       : 10;
  settings.progress_every = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  ASSIGN_OR_RETURN(settings.authorities_pem, read_authorities());
  return {};
}

int run_feed(Options& options) {
  const auto complained = complete(options);
  if (!complained) {
    fmt::print(stderr, "millrace feed: {}\nSee millrace feed --help\n", complained.error().message);
    return 2;
  }
  const Signals signals("feed: stopping; what has been read is put first (again to end at once)");
  const auto say = [](const std::string& line) { fmt::print(stderr, "feed: {}\n", line); };
  const auto ended = feed::run(options.settings, say, signals.stop());
  if (!ended.status) fmt::print(stderr, "millrace feed: {}\n", ended.status.error().message);
  fmt::print(options.settings.print ? stderr : stdout, "{} {}\n", ended.status ? "fed" : "failed",
             feed::to_string(ended.figures, ended.seconds));
  return ended.status ? 0 : 1;
}

void add_sources(CLI::App& command, Options& options) {
  feed::Settings& settings = options.settings;
  auto* const sources = command.add_option_group("Sources", "one of them");
  sources->add_option("--file", settings.path, "Lines of JSON from a file; - is standard input");
  sources->add_option("--generate", settings.count, "So many synthetic tweets");
  sources
      ->add_option("--live", options.live,
                   "A live stream: x (X API v2 filtered stream, X_BEARER_TOKEN), x-v1 "
                   "(statuses/filter, X_CONSUMER_KEY, X_CONSUMER_SECRET, X_ACCESS_TOKEN, "
                   "X_ACCESS_TOKEN_SECRET), mastodon (MASTODON_ACCESS_TOKEN if the server wants "
                   "one), wikimedia, sse, ndjson (FEED_BEARER_TOKEN if wanted)")
      ->check(CLI::IsMember(kLive));
  sources->require_option(1);
  command.add_option("--seed", settings.seed, "With --generate: which tweets")
      ->capture_default_str();
  command.add_option("--url", settings.url, "With --live: another address than the service's own");
  command.add_option("--track", settings.track, "With --live x-v1: what to look for");
  command.add_flag("--as-is", settings.as_is,
                   "With --live: put messages as they come, not in the shape of tweets");
  command
      .add_option("--silence-ms", options.silence_ms,
                  "With --live: a connection without a byte for so long is dead")
      ->capture_default_str();
}

void add_target(CLI::App& command, Options& options) {
  feed::Settings& settings = options.settings;
  command.add_option("--stream", settings.target.stream, "The Kinesis stream to put to");
  command.add_flag("--print", settings.print, "Write the records to standard output instead");
  command
      .add_option("--partition-key", settings.key_path,
                  "Where in a record its partition key stands; without it user.name, else a digest")
      ->capture_default_str();
  command.add_flag("--ordered", settings.one_of_each_key,
                   "Never two records of a partition key in one request: their order is certain "
                   "even when Kinesis refuses some");
  command.add_option("--rate", settings.rate, "At most so many records a second")
      ->check(CLI::NonNegativeNumber);
  command.add_option("--flush-ms", options.linger_ms, "How long a record may wait for company")
      ->capture_default_str();
  command
      .add_option("--give-up-seconds", options.give_up_seconds,
                  "End if Kinesis takes nothing for so long")
      ->capture_default_str();
}

}  // namespace

void add_feed(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand(
      "feed", "Put tweets, or any JSON lines, to a Kinesis stream of Millrace or AWS");
  command->footer(connection_footer() +
                  "Ctrl-C puts what has been read and ends. Exit code 0: all of it was put; 1: "
                  "something\nfailed; 2: something is missing.");
  const auto options = std::make_shared<Options>();
  add_sources(*command, *options);
  add_target(*command, *options);
  add_connection_options(*command, options->connection);
  command->add_option("--resume", options->settings.resume_path,
                      "Keep the position in this file and go on from it (files, --generate, "
                      "server-sent events)");
  command->add_flag("--strict", options->settings.strict,
                    "A malformed line ends the feed instead of being passed over");
  command->add_option("--progress", options->progress_seconds,
                      "Seconds between progress lines, 0 for none; else 1 on a terminal, 10");
  command->callback([options, &exit_code] { exit_code = run_feed(*options); });
}

}  // namespace cli
