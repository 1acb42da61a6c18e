// millrace mapping: its list, status, pause, resume and rewind
#include "cli/mapping.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "client/from.h"
#include "client/mapping_text.h"

namespace cli {
namespace {

namespace m = api::millrace;

constexpr std::string_view kList = "mapping list";
constexpr std::string_view kStatus = "mapping status";
constexpr std::string_view kRewind = "mapping rewind";
constexpr std::size_t kUuidCharacters = 36;

bool is_uuid(const std::string& text) {
  return text.size() == kUuidCharacters &&
         text.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

// --- list, status --------------------------------------------------------------------------------

int list(client::Session& session) {
  const auto all = session.run(client::call_patiently<m::op::ListMappings>(session.retries(), {}));
  if (!all) return complain_of_mapping(kList, all.error(), session.target());
  if (all->mappings && !all->mappings->empty()) {
    fmt::print("{}", client::mappings_table(*all->mappings, draw_style()));
    return 0;
  }
  fmt::print(stderr, "no event source mappings in {}\n", session.target().region);
  return 0;
}

int status(client::Session& session, const std::string& uuid) {
  m::DescribeMappingInput input;
  input.uuid = uuid;
  const auto seen =
      session.run(client::call_patiently<m::op::DescribeMapping>(session.retries(), input));
  if (!seen) return complain_of_mapping(kStatus, seen.error(), session.target());
  fmt::print("{}", client::mapping_text(*seen, session.clock().now(), draw_style()));
  bool blocked = false;
  if (seen->shards)
    for (const auto& shard : *seen->shards)
      blocked = blocked || (shard.blocked && !shard.blocked->empty());
  if (blocked)
    fmt::print(
        "\nTo leave the record behind that blocks: millrace mapping skip {0}\n"
        "To keep it in a file first: millrace mapping park {0} --to FILE\n",
        uuid);
  return 0;
}

// --- pause, resume, rewind -----------------------------------------------------------------------

template <class Op>
int enable(std::string_view command, client::Session& session, const std::string& uuid) {
  typename Op::Input input;
  input.uuid = uuid;
  const auto done = session.run(client::call_patiently<Op>(session.retries(), input));
  if (!done) return complain_of_mapping(command, done.error(), session.target());
  return 0;
}

struct RewindOptions : MappingOptions {
  std::string to;
};

int rewind(client::Session& session, const std::string& uuid, const RewindOptions& options) {
  const auto place = parse_place(options.to, session.clock().now());
  if (!place) return complain(kRewind, place.error());
  m::RewindMappingInput input;
  input.uuid = uuid;
  if (!options.shard.empty()) input.shard_id = options.shard;
  input.to = *place;
  const auto moved =
      session.run(client::call_patiently<m::op::RewindMapping>(session.retries(), input));
  if (!moved) return complain_of_mapping(kRewind, moved.error(), session.target());
  for (const auto& each : moved->positions.value_or(std::vector<m::ShardPosition>()))
    fmt::print("{}\tgoes on at position {}\n", each.shard_id.value_or(""),
               each.position.value_or(0));
  return 0;
}

template <class Op>
void add_enable(CLI::App& mapping, int& exit_code, const std::string& name, std::string words) {
  auto* const command = mapping.add_subcommand(name, std::move(words));
  const auto options = std::make_shared<MappingOptions>();
  add_mapping_option(*command, *options);
  command->callback([options, name, &exit_code] {
    const std::string whole = "mapping " + name;
    exit_code =
        with_mapping(whole, *options, [&](client::Session& session, const std::string& uuid) {
          return enable<Op>(whole, session, uuid);
        });
  });
}

}  // namespace

void add_mapping_option(CLI::App& command, MappingOptions& options) {
  command
      .add_option("MAPPING", options.mapping,
                  "The mapping: its id (UUID), or its function's name or ARN if it has one only")
      ->required();
  add_connection_options(command, options.connection);
}

void add_shard_option(CLI::App& command, MappingOptions& options, const std::string& words) {
  command.add_option("--shard", options.shard, words);
}

int complain_of_mapping(std::string_view command, const client::Failure& failure,
                        const client::Target& target) {
  if (failure.code == "ResourceNotFoundException") {
    fmt::print(stderr, "millrace {}: {}\nWhat there is in {}: millrace mapping list\n", command,
               client::to_string(failure), target.region);
    return kFailed;
  }
  return complain(command, failure, target);
}

int with_millrace(std::string_view command, const Connection& connection,
                  const std::function<int(client::Session&)>& work) {
  auto target = find_service(m::kService, connection);
  if (target && target->endpoint.find(".amazonaws.com") != std::string::npos)
    return complain(command, base::Error{base::ErrorCode::kInvalidArgument,
                                         "AWS has nothing like it; name a Millrace server: "
                                         "--endpoint, --data-dir or AWS_ENDPOINT_URL"});
  if (!target) return complain(command, target.error());
  auto authorities = read_authorities();
  if (!authorities) return complain(command, authorities.error());
  const Signals signals("");
  client::Session session(*std::move(target), *std::move(authorities), signals.stop());
  return work(session);
}

int with_mapping(std::string_view command, const MappingOptions& options,
                 const std::function<int(client::Session&, const std::string&)>& work) {
  return with_millrace(command, options.connection, [&](client::Session& session) {
    if (is_uuid(options.mapping)) return work(session, options.mapping);
    m::ListMappingsInput input;
    input.function_name = options.mapping;
    const auto all =
        session.run(client::call_patiently<m::op::ListMappings>(session.retries(), input));
    if (!all) return complain_of_mapping(command, all.error(), session.target());
    const auto found = all->mappings.value_or(std::vector<m::MappingSummary>());
    if (found.size() == 1) return work(session, found.front().uuid.value_or(""));
    if (found.empty()) {
      fmt::print(stderr, "millrace {}: no mapping has the function {}\n", command, options.mapping);
      fmt::print(stderr, "What there is in {}: millrace mapping list\n", session.target().region);
    } else {
      fmt::print(stderr, "millrace {}: {} has several mappings; say which by its id\n", command,
                 options.mapping);
      fmt::print(stderr, "{}", client::mappings_table(found, draw_style()));
    }
    return kFailed;
  });
}

base::Result<m::Place> parse_place(const std::string& text, base::Timestamp now) {
  const auto from = client::parse_from(text == "TRIM_HORIZON" ? "trim" : text, now);
  if (!from)
    return base::error(base::ErrorCode::kInvalidArgument,
                       "a place is trim (the oldest record), latest, a time "
                       "(2026-11-23T04:51:00Z, 1795409460, or 15m for fifteen minutes ago) or a "
                       "sequence number, not '" +
                           text + "'");
  m::Place place;
  switch (from->kind) {
    case client::From::Kind::kTrim: place.kind = "TRIM_HORIZON"; break;
    case client::From::Kind::kLatest: place.kind = "LATEST"; break;
    case client::From::Kind::kTime:
      place.kind = "AT_TIMESTAMP";
      place.timestamp = from->time;
      break;
    case client::From::Kind::kSequence:
      place.kind = "AT_SEQUENCE_NUMBER";
      place.sequence_number = from->sequence;
      break;
  }
  return place;
}

void add_mapping_looks(CLI::App& mapping, int& exit_code) {
  auto* const list_command = mapping.add_subcommand("list", "The mappings of the region");
  const auto list_options = std::make_shared<MappingOptions>();
  add_connection_options(*list_command, list_options->connection);
  list_command->callback([list_options, &exit_code] {
    exit_code = with_millrace(kList, list_options->connection,
                              [](client::Session& session) { return list(session); });
  });
  auto* const status_command = mapping.add_subcommand(
      "status", "How far a mapping has come in each shard, and what it tries again");
  const auto options = std::make_shared<MappingOptions>();
  add_mapping_option(*status_command, *options);
  status_command->footer(
      "behind: records that are not processed yet, and how long the oldest of them has waited.");
  status_command->callback(
      [options, &exit_code] { exit_code = with_mapping(kStatus, *options, status); });
}

void add_mapping_moves(CLI::App& mapping, int& exit_code) {
  add_enable<m::op::PauseMapping>(mapping, exit_code, "pause",
                                  "Stop a mapping; it keeps its place");
  add_enable<m::op::ResumeMapping>(mapping, exit_code, "resume",
                                   "Let a mapping go on where it was");
  auto* const command =
      mapping.add_subcommand("rewind", "Let a mapping go on somewhere else, back or ahead");
  const auto options = std::make_shared<RewindOptions>();
  add_mapping_option(*command, *options);
  command
      ->add_option("TO", options->to,
                   "Where to go on: trim (the oldest record that is kept), latest, a time "
                   "(2026-11-23T04:51:00Z, 1795409460, or 15m for fifteen minutes ago), or the "
                   "sequence number of the next record")
      ->required();
  add_shard_option(*command, *options, "This shard only, by its id or its number");
  command->footer(
      "What lies behind that place is processed again, what is passed over is not. An open\n"
      "tumbling window is forgotten. A mapping that is paused stays so.");
  command->callback([options, &exit_code] {
    options->shard = client::whole_shard_id(options->shard);
    exit_code =
        with_mapping(kRewind, *options, [&](client::Session& session, const std::string& uuid) {
          return rewind(session, uuid, *options);
        });
  });
}

void add_mapping(CLI::App& app, int& exit_code) {
  auto* const command = app.add_subcommand(
      "mapping", "Look at event source mappings, move them, and deal with what blocks them");
  command->require_subcommand(1);
  command->footer(
      "These are operations of Millrace's own, not of AWS. They ask for the permissions\n"
      "lambda:GetEventSourceMapping to look and lambda:UpdateEventSourceMapping to change.\n" +
      connection_footer() + "Exit code 0: done; 1: something failed; 2: something is missing.");
  add_mapping_looks(*command, exit_code);
  add_mapping_moves(*command, exit_code);
  add_mapping_troubles(*command, exit_code);
  add_mapping_replay(*command, exit_code);
}

}  // namespace cli
