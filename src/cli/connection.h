#pragma once

// The options and variables that say which server a client command speaks to, and as whom. Plain
// values and functions of the command's own thread.

#include <string>

#include "client/failure.h"

namespace CLI {
class App;
}

namespace cli {

struct Connection {
  client::Overrides overrides;
  std::string data_dir;
};

// --endpoint, --region, --data-dir
void add_connection_options(CLI::App& command, Connection& connection);
// What a client command's help says at its end about variables.
std::string connection_footer();

std::string env(const char* name);
std::string env(const char* name, const char* otherwise);

// kInvalidArgument, kNotFound, kIo: the text says what to do.
base::Result<client::Target> find_service(const api::Service& service,
                                          const Connection& connection);
base::Result<client::Target> find_kinesis(const Connection& connection);
// The authorities of AWS_CA_BUNDLE, if it is set.
base::Result<std::string> read_authorities();

}  // namespace cli
