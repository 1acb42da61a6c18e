// Whatever arrives as Authorization header, date headers, path and query, by Version 4 or 2:
// parsing and verifying it ends, stays within memory, and never accepts.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "auth/sigv4.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  // Lines: method, path, query, then header values.
  std::array<std::string_view, 9> lines;
  for (std::string_view& line : lines) {
    const std::size_t end = rest.find('\n');
    line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  std::array<auth::HeaderView, 6> headers = {{{"host", lines[3]},
                                              {"Authorization", lines[4]},
                                              {"X-Amz-Date", lines[5]},
                                              {"Date", lines[6]},
                                              {"x-amz-content-sha256", lines[7]},
                                              {"x-amz-security-token", lines[8]}}};
  // An empty value means that the header is not there.
  std::size_t count = 0;
  for (const auth::HeaderView& header : headers)
    if (!header.value.empty()) headers[count++] = header;

  const auth::SignedRequest request{.method = lines[0],
                                    .path = lines[1],
                                    .query = lines[2],
                                    .headers = std::span(headers).first(count),
                                    .body = rest,
                                    .host_bucket = lines[3].substr(0, lines[3].find('.'))};
  const auto parsed = auth::parse_signature(request);
  if (!parsed) {
    for (const auto family : {auth::ErrorFamily::kJson, auth::ErrorFamily::kQuery,
                              auth::ErrorFamily::kRestJson, auth::ErrorFamily::kS3})
      CHECK(!auth::to_api_error(parsed.error(), family).message.empty());
    return 0;
  }
  auth::SignatureVerifier verifier(1);
  const auto verified =
      verifier.verify(*parsed, request, "a secret the fuzzer lacks", parsed->time);
  CHECK(!verified);
  CHECK(!auth::to_api_error(verified.error(), auth::ErrorFamily::kS3).message.empty());
  return 0;
}
