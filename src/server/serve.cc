#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "server/server.h"

namespace server {

// Signals are waited for by this thread alone: they are blocked before any other thread is made.
int serve(const Settings& settings) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

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
