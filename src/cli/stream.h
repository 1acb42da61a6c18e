#pragma once

// What the subcommands of `millrace stream` share. Used by the command's own thread.

#include <memory>

#include "cli/connection.h"
#include "cli/signals.h"
#include "client/kinesis_calls.h"
#include "client/session.h"
#include "client/text_table.h"

namespace cli {

inline constexpr int kFailed = 1;
inline constexpr int kMissing = 2;  // an option, a variable, a key

// Each adds itself below `stream`.
void add_stream_list(CLI::App& stream, int& exit_code);
void add_stream_describe(CLI::App& stream, int& exit_code);
void add_stream_put(CLI::App& stream, int& exit_code);
void add_stream_tail(CLI::App& stream, int& exit_code);

// Says what went wrong and what to do; answers the exit code.
int complain(std::string_view command, const client::Failure& failure,
             const client::Target& target);
int complain(std::string_view command, const base::Error& error);

// Lines and bars as the locale permits, as wide as the terminal.
client::DrawStyle draw_style();

// Opens a session and runs `work(session)`, which answers the exit code.
template <class Work>
int with_session(std::string_view command, const Connection& connection, std::string words,
                 Work work) {
  auto target = find_kinesis(connection);
  if (!target) return complain(command, target.error());
  auto authorities = read_authorities();
  if (!authorities) return complain(command, authorities.error());
  const Signals signals(std::move(words));
  client::Session session(*std::move(target), *std::move(authorities), signals.stop());
  return work(session);
}

}  // namespace cli
