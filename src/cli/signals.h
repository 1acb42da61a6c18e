#pragma once

// Signals: turns the first SIGINT or SIGTERM into a stop; a second one ends the process at once.
// One at a time, made before any other thread.

#include <atomic>
#include <csignal>
#include <stop_token>
#include <string>
#include <thread>

namespace cli {

class Signals {
 public:
  // `words` go to standard error at the first signal, as a line; empty: none.
  explicit Signals(std::string words);
  ~Signals();
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  void watch();

  std::string words_;
  sigset_t ends_{};
  std::stop_source stop_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace cli
