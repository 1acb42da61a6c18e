#pragma once

// Live HTTP sources: a connection that never ends on purpose, called again whenever it does.

#include <functional>

#include "async/asio_core.h"
#include "base/clock.h"
#include "base/random.h"
#include "feed/oauth1.h"
#include "feed/source.h"
#include "wire/http_client.h"

namespace feed {

struct LiveOptions {
  enum class Format { kLines, kServerSentEvents };
  Format format = Format::kLines;
  // Makes the request anew for each connection; `last_id` is empty but for server-sent events.
  std::function<wire::ClientRequest(const std::string& last_id)> request;
  std::string last_id;                            // of an earlier run
  std::chrono::milliseconds silence_max{20'000};  // then the connection counts as dead
  std::function<void(std::string)> warn;
};

// On `core`, which `client` lives on. Positions are events' ids, or empty.
std::unique_ptr<Source> make_live(async::AsioCore& core, wire::HttpClient& client,
                                  LiveOptions options, std::stop_token stop);

// X API v2's filtered stream and everything else that wants a bearer token or none.
std::function<wire::ClientRequest(const std::string&)> get_request(std::string url,
                                                                   std::string bearer,
                                                                   bool server_sent_events);
// v1.1's statuses/filter: POST with a form, signed with OAuth 1.
std::function<wire::ClientRequest(const std::string&)> filter_request(
    std::string url, std::string track, OAuth1Keys keys, base::Clock& clock, base::Random& random);

}  // namespace feed
