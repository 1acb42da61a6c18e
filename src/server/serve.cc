#include <fmt/format.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "server/server.h"

namespace server {
namespace {

// Thousands of connections and the sockets of functions: as many as the host allows.
void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Sandboxes bind folders by their whole, plain paths. What cannot be made one stays as it is and
// fails where it is used.
std::string whole_path(const std::string& text) {
  if (text.empty()) return text;
  std::error_code problem;
  const auto absolute = std::filesystem::absolute(text, problem);
  if (problem) return text;
  std::string plain = absolute.lexically_normal().string();
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

}  // namespace

// Signals are waited for by this thread alone: they are blocked before any other thread is made.
int serve(const Settings& given) {
  Settings settings = given;
  settings.data_dir = whole_path(given.data_dir);
  settings.runtimes_dir = whole_path(given.runtimes_dir);
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_open_files();

  auto started = Server::start(settings);
  if (!started) {
    fmt::print(stderr, "millrace: cannot start: {}\n", started.error().message);
    return 1;
  }
  fmt::print("millrace is ready at {} (data in {}; shell settings: millrace env --data-dir {})\n",
             (*started)->endpoint(), settings.data_dir, settings.data_dir);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  (*started)->stop();
  return 0;
}

}  // namespace server
