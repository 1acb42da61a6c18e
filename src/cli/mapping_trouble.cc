// millrace mapping skip and park: the one record that blocks a shard
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "async/timer.h"
#include "cli/mapping.h"
#include "client/mapping_text.h"
#include "io/real_files.h"

namespace cli {
namespace {

namespace m = api::millrace;
using async::Task;
using client::Answer;
using namespace std::chrono_literals;

constexpr std::string_view kSkip = "mapping skip";
constexpr std::string_view kPark = "mapping park";
constexpr std::string_view kBucketScheme = "s3://";
constexpr auto kLookAgain = 200ms;

struct Options : MappingOptions {
  std::string to;  // park only
  int wait_seconds = 60;
  bool yes = false;
};

struct Culprit {
  std::string shard;
  m::BlockedBatch blocked;
};

Task<Answer<std::vector<Culprit>>> look(client::Retries with, std::string uuid, std::string shard) {
  m::DescribeMappingInput input;
  input.uuid = std::move(uuid);
  auto seen = co_await client::call_patiently<m::op::DescribeMapping>(with, std::move(input));
  if (!seen) co_return std::unexpected(std::move(seen).error());
  std::vector<Culprit> found;
  if (seen->shards)
    for (const m::ShardProgress& each : *seen->shards) {
      if (!each.blocked || (!shard.empty() && each.shard_id != shard)) continue;
      for (const m::BlockedBatch& blocked : *each.blocked)
        found.push_back({.shard = each.shard_id.value_or(""), .blocked = blocked});
    }
  co_return found;
}

// Asks for the one record until it stands alone. Empty: nothing is blocked (any more).
Task<Answer<std::vector<Culprit>>> single_out(client::Retries with, std::string uuid,
                                              std::string shard, std::chrono::seconds wait) {
  const auto deadline = async::Core::current()->now() + wait;
  bool asked = false;
  for (;;) {
    auto found = co_await look(with, uuid, shard);
    if (found && !shard.empty() && found->size() > 1) found->resize(1);  // lanes: one at a time
    if (!found || found->empty() || found->size() > 1 ||
        found->front().blocked.isolated.value_or(false))
      co_return found;
    if (!asked)
      fmt::print(stderr, "finding the record among {} that fails ...\n",
                 found->front().blocked.records.value_or(0));
    asked = true;
    m::IsolateRecordInput input;
    input.uuid = uuid;
    input.shard_id = found->front().shard;
    auto ordered = co_await client::call_patiently<m::op::IsolateRecord>(with, std::move(input));
    if (!ordered) co_return std::unexpected(std::move(ordered).error());
    if (with.stop.stop_requested() || async::Core::current()->now() > deadline) co_return found;
    co_await async::sleep_for(kLookAgain, with.stop);
  }
}

bool agreed() {
  fmt::print("Leave this record behind? [y/N] ");
  std::fflush(stdout);
  const int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

Task<Answer<void>> skip_it(client::Retries with, std::string uuid, Culprit culprit,
                           std::string destination) {
  m::SkipRecordInput input;
  input.uuid = std::move(uuid);
  input.shard_id = culprit.shard;
  input.sequence_number = culprit.blocked.sequence_number;
  if (!destination.empty()) input.destination_arn = std::move(destination);
  auto done = co_await client::call_patiently<m::op::SkipRecord>(with, std::move(input));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return Answer<void>();
}

Task<Answer<std::string>> document_of(client::Retries with, std::string uuid, Culprit culprit) {
  m::DescribeBlockingRecordInput input;
  input.uuid = std::move(uuid);
  input.shard_id = culprit.shard;
  input.sequence_number = culprit.blocked.sequence_number;
  auto seen =
      co_await client::call_patiently<m::op::DescribeBlockingRecord>(with, std::move(input));
  if (!seen) co_return std::unexpected(std::move(seen).error());
  co_return seen->failure_document.value_or("");
}

// In a file, synced, before anything is left behind.
base::Status keep(const std::string& path, const std::string& document) {
  io::RealFiles files;
  const std::filesystem::path whole(path);
  if (std::filesystem::exists(whole))
    return base::error(base::ErrorCode::kAlreadyExists, path + " is there already");
  const std::string folder = whole.has_parent_path() ? whole.parent_path().string() : ".";
  return io::write_file_atomically(files, folder, whole.filename().string(), document + "\n");
}

int choose_failed(std::string_view command, const std::vector<Culprit>& found,
                  base::Timestamp now) {
  if (found.empty()) {
    fmt::print(stderr, "millrace {}: nothing blocks it\n", command);
    return kFailed;
  }
  fmt::print(stderr, "millrace {}: {} things block it; say which with --shard\n", command,
             found.size());
  for (const Culprit& each : found)
    fmt::print(stderr, "{}", client::blocked_text(each.shard, each.blocked, now));
  return kFailed;
}

int leave_behind(std::string_view command, client::Session& session, const std::string& uuid,
                 const Options& options) {
  const auto found = session.run(single_out(session.retries(), uuid, options.shard,
                                            std::chrono::seconds(options.wait_seconds)));
  if (!found) return complain_of_mapping(command, found.error(), session.target());
  const base::Timestamp now = session.clock().now();
  if (found->size() != 1) return choose_failed(command, *found, now);
  const Culprit& culprit = found->front();
  fmt::print("{}", client::blocked_text(culprit.shard, culprit.blocked, now));
  if (!culprit.blocked.isolated.value_or(false)) {
    fmt::print(stderr,
               "millrace {}: no one record was found to be at fault. Where the function cannot be "
               "run at all, no record is\n",
               command);
    return kFailed;
  }
  if (!options.yes && isatty(STDIN_FILENO) == 0)
    return complain(command, base::Error{base::ErrorCode::kInvalidArgument,
                                         "say --yes where nobody can be asked"});
  if (!options.yes && !agreed()) return kFailed;
  std::string destination;
  if (options.to.starts_with(kBucketScheme)) {
    destination = "arn:aws:s3:::" + options.to.substr(kBucketScheme.size());
  } else if (!options.to.empty()) {
    const auto document = session.run(document_of(session.retries(), uuid, culprit));
    if (!document) return complain_of_mapping(command, document.error(), session.target());
    const base::Status kept = keep(options.to, *document);
    if (!kept) return complain(command, kept.error());
  }
  const auto done = session.run(skip_it(session.retries(), uuid, culprit, destination));
  if (!done) return complain_of_mapping(command, done.error(), session.target());
  fmt::print("left behind{}\n", options.to.empty() ? "" : "; kept in " + options.to);
  return 0;
}

void add_one(CLI::App& mapping, int& exit_code, std::string_view command, bool parks) {
  auto* const added = mapping.add_subcommand(
      parks ? "park" : "skip",
      parks ? "Keep the record that blocks a shard in a file or bucket, and leave it behind"
            : "Leave the one record behind that blocks a shard, after naming it and its error");
  const auto options = std::make_shared<Options>();
  add_mapping_option(*added, *options);
  if (parks)
    added
        ->add_option("--to", options->to,
                     "A file that is not there yet, or s3://BUCKET, which is written with the "
                     "function's rights")
        ->required();
  add_shard_option(*added, *options,
                   "The shard, by its id or its number, where several are blocked");
  added->add_option("--wait", options->wait_seconds, "Seconds to look for the record")
      ->capture_default_str()
      ->check(CLI::Range(0, 3600));
  added->add_flag("--yes", options->yes, "Do not ask");
  added->footer(
      "Where a batch of several records fails, its halves are tried until one record is left; "
      "what\n"
      "succeeds on the way is done. What is kept is the document that AWS sends to an on-failure\n"
      "destination, with the event, and \"SkippedByOperator\" as condition.");
  added->callback([options, command, &exit_code] {
    options->shard = client::whole_shard_id(options->shard);
    exit_code =
        with_mapping(command, *options, [&](client::Session& session, const std::string& uuid) {
          return leave_behind(command, session, uuid, *options);
        });
  });
}

}  // namespace

void add_mapping_troubles(CLI::App& mapping, int& exit_code) {
  add_one(mapping, exit_code, kSkip, false);
  add_one(mapping, exit_code, kPark, true);
}

}  // namespace cli
