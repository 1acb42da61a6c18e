// millrace mapping replay
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "cli/mapping.h"
#include "client/text_table.h"

namespace cli {
namespace {

namespace m = api::millrace;
using async::Task;
using client::Answer;

constexpr std::string_view kReplay = "mapping replay";

struct Options : MappingOptions {
  std::string to;
  std::string from;
  std::string until = "latest";
  int batch = 0;
  bool keep_going = false;
};

struct Range {
  std::string shard;
  std::int64_t from = 0, until = 0;
};

Task<Answer<std::map<std::string, std::int64_t>>> positions(client::Retries with, std::string uuid,
                                                            std::string shard, m::Place place) {
  m::FindPositionsInput input;
  input.uuid = std::move(uuid);
  if (!shard.empty()) input.shard_id = std::move(shard);
  const bool one = *place.kind == "AT_SEQUENCE_NUMBER";
  input.at = std::move(place);
  auto found = co_await client::call_patiently<m::op::FindPositions>(with, std::move(input));
  if (!found) co_return std::unexpected(std::move(found).error());
  std::map<std::string, std::int64_t> all;
  for (const auto& each : found->positions.value_or(std::vector<m::ShardPosition>()))
    all[each.shard_id.value_or("")] = each.position.value_or(0);
  if (one && all.size() != 1)
    co_return std::unexpected(client::Failure{.message = "say which shard with --shard"});
  co_return all;
}

// A sequence number as end is the last record's.
Task<Answer<std::vector<Range>>> ranges(client::Retries with, std::string uuid, std::string shard,
                                        m::Place from, m::Place until) {
  const bool inclusive = *until.kind == "AT_SEQUENCE_NUMBER";
  const auto begins = co_await positions(with, uuid, shard, std::move(from));
  if (!begins) co_return std::unexpected(begins.error());
  const auto ends = co_await positions(with, uuid, shard, std::move(until));
  if (!ends) co_return std::unexpected(ends.error());
  std::vector<Range> all;
  for (const auto& [id, begin] : *begins) {
    const auto end = ends->find(id);
    if (end == ends->end()) continue;
    all.push_back({.shard = id, .from = begin, .until = end->second + (inclusive ? 1 : 0)});
  }
  co_return all;
}

int replay_shard(client::Session& session, const std::string& uuid, Range range,
                 const Options& options) {
  std::int64_t sent = 0, failed = 0;
  while (range.from < range.until) {
    m::ReplayRecordsInput input;
    input.uuid = uuid;
    input.shard_id = range.shard;
    input.function_name = options.to;
    input.position = range.from;
    input.until_position = range.until;
    if (options.batch > 0) input.batch_size = options.batch;
    // Once: the function may have done its work although the answer was lost.
    const auto played = session.run(session.retries().caller.call<m::op::ReplayRecords>(input));
    if (!played) return complain_of_mapping(kReplay, played.error(), session.target());
    sent += played->records.value_or(0);
    if (played->function_error) {
      failed += played->records.value_or(0);
      fmt::print(stderr, "{}: {} records up to {} failed: {}\n", range.shard,
                 played->records.value_or(0), played->last_sequence_number.value_or(""),
                 client::visible(*played->function_error));
      if (!options.keep_going) return kFailed;
    }
    range.from = played->next_position.value_or(range.until);
    if (played->finished.value_or(true) || session.retries().stop.stop_requested()) break;
  }
  fmt::print("{}\t{} records sent, {} of them in calls that failed\n", range.shard, sent, failed);
  return failed == 0 ? 0 : kFailed;
}

int replay(client::Session& session, const std::string& uuid, const Options& options) {
  const auto from = parse_place(options.from, session.clock().now());
  if (!from) return complain(kReplay, from.error());
  const auto until = parse_place(options.until, session.clock().now());
  if (!until) return complain(kReplay, until.error());
  const auto all = session.run(ranges(session.retries(), uuid, options.shard, *from, *until));
  if (!all) return complain_of_mapping(kReplay, all.error(), session.target());
  int code = 0;
  for (const Range& range : *all) {
    const int ended = replay_shard(session, uuid, range, options);
    if (ended == 0) continue;
    code = ended;
    if (!options.keep_going) break;
  }
  return code;
}

}  // namespace

void add_mapping_replay(CLI::App& mapping, int& exit_code) {
  auto* const command = mapping.add_subcommand(
      "replay", "Send a range of a mapping's records to another function, as the mapping would");
  const auto options = std::make_shared<Options>();
  add_mapping_option(*command, *options);
  command->add_option("--to", options->to, "The function that gets them")->required();
  command
      ->add_option("--from", options->from,
                   "Where to begin: trim, a time (2026-11-23T04:51:00Z, 1795409460, 15m), or a "
                   "sequence number")
      ->required();
  command
      ->add_option("--until", options->until,
                   "Where to end: latest (what is there now), a time (records before it), or the "
                   "sequence number of the last record")
      ->capture_default_str();
  add_shard_option(*command, *options, "This shard only, by its id or its number");
  command->add_option("--batch", options->batch, "Records in a call; the mapping's own otherwise")
      ->check(CLI::Range(1, 10'000));
  command->add_flag("--keep-going", options->keep_going, "Go on after a call that failed");
  command->footer(
      "The mapping itself stays where it is. Its filters hold. A shard's records go in order, one\n"
      "call at a time, each tried once. Asks for lambda:InvokeFunction on the function, and for\n"
      "GetRecords on the stream, besides lambda:GetEventSourceMapping.");
  command->callback([options, &exit_code] {
    options->shard = client::whole_shard_id(options->shard);
    exit_code =
        with_mapping(kReplay, *options, [&](client::Session& session, const std::string& uuid) {
          return replay(session, uuid, *options);
        });
  });
}

}  // namespace cli
