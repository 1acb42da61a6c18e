// The --follow of `millrace table`
#include "client/table_follow.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

#include "cli/table.h"

namespace cli {
namespace {

class ChangePrinter final : public client::ChangeTaker {
 public:
  ChangePrinter(const PrintOptions& options,
                const std::function<bool(const client::Item&)>& concerns)
      : options_(options), concerns_(concerns) {}

  bool take(const client::TableChange& change) override {
    if (!concerns_(change.keys)) return true;
    const std::string line = (options_.as_json() ? client::change_json(change, options_.typed)
                                                 : client::change_line(change)) +
                             '\n';
    if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fflush(stdout) == 0)
      return true;
    error_ = errno;
    return false;
  }
  void note(std::string line) override { fmt::print(stderr, "follow: {}\n", line); }

  int error() const { return error_; }

 private:
  const PrintOptions& options_;
  const std::function<bool(const client::Item&)>& concerns_;
  int error_ = 0;
};

bool has_stream(const api::dynamodb::TableDescription& table) {
  return table.latest_stream_arn && table.stream_specification &&
         table.stream_specification->stream_enabled.value_or(false);
}

}  // namespace

int follow_table(std::string_view command, TableSessions sessions,
                 const api::dynamodb::TableDescription& table, const PrintOptions& print,
                 const std::function<bool(const client::Item& keys)>& concerns,
                 const std::function<int()>& read) {
  if (!has_stream(table)) {
    fmt::print(stderr,
               "millrace {0}: table {1} has no stream, so its changes cannot be followed\n"
               "Enable one: aws dynamodb update-table --table-name {1} --stream-specification "
               "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES\n",
               command, table.table_name.value_or(""));
    return kFailed;
  }
  auto& session = sessions.streams;
  ChangePrinter printer(print, concerns);
  client::TableFollower follower(session.retries(), *table.latest_stream_arn, printer);
  const auto begun = session.run(follower.begin());
  if (!begun) return complain(command, begun.error(), session.target());
  const int shown = read();
  if (shown != 0) return shown;
  printer.note(
      fmt::format("changes of {} from here on; Ctrl-C ends it", table.table_name.value_or("")));
  const auto ended = session.run(follower.run());
  if (!ended) return complain(command, ended.error(), session.target());
  if (printer.error() == 0 || printer.error() == EPIPE) return 0;
  return complain(command, base::errno_error("write to standard output", printer.error()).error());
}

}  // namespace cli
