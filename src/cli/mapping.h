#pragma once

// What the subcommands of `millrace mapping` share. Used by the command's own thread.

#include <functional>
#include <string>

#include "api/millrace/operations.h"
#include "cli/stream.h"

namespace cli {

// Each adds itself below `mapping`.
void add_mapping_looks(CLI::App& mapping, int& exit_code);     // list, status
void add_mapping_moves(CLI::App& mapping, int& exit_code);     // pause, resume, rewind
void add_mapping_troubles(CLI::App& mapping, int& exit_code);  // skip, park
void add_mapping_replay(CLI::App& mapping, int& exit_code);

struct MappingOptions {
  Connection connection;
  std::string mapping;  // a UUID or a function
  std::string shard;    // id or number; empty: not said
};
void add_mapping_option(CLI::App& command, MappingOptions& options);
void add_shard_option(CLI::App& command, MappingOptions& options, const std::string& words);

int complain_of_mapping(std::string_view command, const client::Failure& failure,
                        const client::Target& target);

// Opens a session with a Millrace server, finds the mapping that is meant, and runs
// `work(session, uuid)`, which answers the exit code.
int with_mapping(std::string_view command, const MappingOptions& options,
                 const std::function<int(client::Session&, const std::string& uuid)>& work);
// The same without a mapping.
int with_millrace(std::string_view command, const Connection& connection,
                  const std::function<int(client::Session&)>& work);

// TRIM_HORIZON, LATEST, a time or a sequence number, as parse_from() reads them.
base::Result<api::millrace::Place> parse_place(const std::string& text, base::Timestamp now);

}  // namespace cli
