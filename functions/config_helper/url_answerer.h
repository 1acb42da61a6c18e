// Answers over HTTP or HTTPS, on any port, with retries.
#pragma once

#include <string>

#include "config_helper/helper.h"
#include "sdk/backoff.h"
#include "sdk/stream.h"

namespace config_helper {

class UrlAnswerer final : public Answerer {
 public:
  static constexpr int kAttemptsMax = 5;

  UrlAnswerer(sdk::Connector& connector, sdk::Clock& clock, sdk::Random& random)
      : connector_(connector), clock_(clock), random_(random) {}

  // Broken connections and 5xx are tried again inside the deadline. The content type is sent
  // empty: the URL's signature covers it as empty.
  sdk::Result<void> put(const std::string& url, const std::string& body,
                        sdk::Deadline deadline) override;

 private:
  sdk::Connector& connector_;
  sdk::Clock& clock_;
  sdk::Random& random_;
};

}  // namespace config_helper
