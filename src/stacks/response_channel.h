#pragma once

// ResponseChannel: where answers to presigned response URLs (custom resources, wait conditions)
// meet whoever waits for them. One per server, thread-safe. Nothing here survives a crash: a custom
// resource's request is sent again after a restart, with the same token.

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "async/signal.h"
#include "base/clock.h"
#include "stacks/ports.h"

namespace stacks {

inline constexpr std::size_t kResponseBytesMax = 4096;     // AWS's limit for a response body
inline constexpr std::size_t kResponsesPerTokenMax = 100;  // signals waiting to be read
inline constexpr std::size_t kOpenTokensMax = 10'000;

class ResponseChannel {
 public:
  enum class Delivery { kTaken, kUnknownToken, kTooLarge, kFull };

  explicit ResponseChannel(const ResponseUrls& urls) : urls_(urls) {}

  // Opens the token (again: no change) and answers its URL.
  std::string open(const std::string& region, const std::string& token);
  void close(const std::string& token);
  std::string token_of(const std::string& url) const { return urls_.token_of(url); }
  // What a PUT to the URL brought.
  Delivery deliver(const std::string& token, std::string body);
  // The next answer to an open token; nullopt: the deadline came or `stop` was requested.
  async::Task<std::optional<std::string>> next(std::string token, base::SteadyTime deadline,
                                               std::stop_token stop);

 private:
  const ResponseUrls& urls_;
  std::mutex mutex_;
  std::map<std::string, std::deque<std::string>> open_;
  async::Signal arrived_;
};

}  // namespace stacks
