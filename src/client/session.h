#pragma once

// Session: what one command needs to call a service: a core, HTTP, the clock, a caller. Owned by
// the command; used from the thread that made it, which must be no core's.

#include <functional>
#include <memory>
#include <optional>

#include "client/patient.h"

namespace client {

class Session {
 public:
  // `stop`: may be requested from any thread; what waits is woken on the core.
  Session(Target target, std::string authorities_pem, std::stop_token stop);
  ~Session();

  const Target& target() const { return target_; }
  base::Clock& clock() { return clock_; }
  Retries retries() { return {*caller_, random_, stop_.get_token()}; }

  // Runs `task` on the core and waits for it here.
  template <class T>
  T run(async::Task<T> task) {
    return async::wait_for(core_, std::move(task));
  }

 private:
  Target target_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  std::stop_source stop_;
  async::AsioCore core_;
  wire::HttpClient http_;
  std::unique_ptr<Caller> caller_;
  std::optional<std::stop_callback<std::function<void()>>> forward_;
};

}  // namespace client
