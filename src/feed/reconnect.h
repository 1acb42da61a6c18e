#pragma once

// When to call a live source again. Pure; a value of one coroutine. The waits are those that X asks
// of its clients, which suit the others too: quickly after a broken connection, slowly after a
// server's error, very slowly when there were too many calls.

#include <algorithm>
#include <chrono>
#include <optional>

namespace feed {

class Reconnect {
 public:
  enum class After { kBreak, kServerError, kTooMany };

  // `asked`: what the server itself has said (Retry-After, or an event stream's "retry").
  std::chrono::milliseconds wait(After what, std::optional<std::chrono::milliseconds> asked) {
    using std::chrono::milliseconds;
    if (what != last_) failures_ = 0;
    last_ = what;
    ++failures_;
    const auto doubled = [this](milliseconds first, milliseconds most) {
      return std::min(first * (1U << std::min(failures_ - 1, 10U)), most);
    };
    milliseconds wait = std::min(milliseconds(250) * failures_, milliseconds(16'000));
    if (what == After::kServerError) wait = doubled(milliseconds(5'000), milliseconds(320'000));
    if (what == After::kTooMany) wait = doubled(milliseconds(60'000), milliseconds(900'000));
    return asked ? std::min(*asked, milliseconds(900'000)) : wait;
  }
  void worked() { failures_ = 0; }  // events came

 private:
  After last_ = After::kBreak;
  unsigned failures_ = 0;
};

}  // namespace feed
