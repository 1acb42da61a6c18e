#include "cli/signals.h"

#include <fmt/format.h>
#include <unistd.h>

namespace cli {
namespace {

constexpr long kSignalPollNs = 100'000'000;

}  // namespace

Signals::Signals(std::string words) : words_(std::move(words)) {
  sigemptyset(&ends_);
  sigaddset(&ends_, SIGINT);
  sigaddset(&ends_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this] { watch(); });
}

Signals::~Signals() {
  done_ = true;
  thread_.join();
}

void Signals::watch() {
  const timespec poll{.tv_sec = 0, .tv_nsec = kSignalPollNs};
  while (!done_) {
    const int signal = sigtimedwait(&ends_, nullptr, &poll);
    if (signal < 0) continue;
    if (stop_.stop_requested()) _exit(128 + signal);
    if (!words_.empty()) fmt::print(stderr, "{}\n", words_);
    stop_.request_stop();
  }
}

}  // namespace cli
