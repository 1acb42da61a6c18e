#include <fmt/format.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>

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

}  // namespace

// Signals are waited for by this thread alone: they are blocked before any other thread is made.
int serve(const Settings& settings) {
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
