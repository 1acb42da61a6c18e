#include "config_helper/url_answerer.h"

#include "sdk/http_client.h"
#include "sdk/url.h"

namespace config_helper {

sdk::Result<void> UrlAnswerer::put(const std::string& url, const std::string& body,
                                   sdk::Deadline deadline) {
  auto parsed = sdk::parse_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  const sdk::Request request{
      .method = "PUT", .target = parsed->target, .headers = {{"Content-Type", ""}}, .body = body};
  const sdk::Backoff backoff{.base_ms = 100};
  for (int failures = 0;; ++failures) {
    sdk::HttpClient client(parsed->origin, connector_);
    auto response = client.send(request, deadline);
    if (response && response->status / 100 == 2) return {};
    const bool again =
        response ? response->status >= 500 : response.error().fault == sdk::Fault::kConnection;
    const std::int64_t pause_ms = backoff.delay_ms(failures, random_);
    const bool given_up = failures + 1 >= kAttemptsMax || clock_.remaining_ms(deadline) <= pause_ms;
    if (again && !given_up) {
      clock_.sleep_ms(pause_ms);
      continue;
    }
    if (!response) return std::unexpected(response.error());
    return sdk::failure(
        sdk::Fault::kService, "AnswerRefused",
        "the response URL answered with status " + std::to_string(response->status));
  }
}

}  // namespace config_helper
