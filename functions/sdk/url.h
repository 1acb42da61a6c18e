// http and https URLs, as far as a client needs them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sdk/result.h"

namespace sdk {

// Where to connect. host holds no brackets, also for an IPv6 address.
struct Origin {
  bool tls = false;
  std::string host;
  std::uint16_t port = 80;

  // The Host header: the port only if it is not the scheme's own.
  std::string host_header() const;
};

struct Url {
  Origin origin;
  // Path and query exactly as written (a presigned query must not be re-encoded); "/" if absent.
  std::string target;
};

// Errors: kInput for another scheme, a missing host, user information, a bad port, white space or
// control characters. A fragment is dropped.
Result<Url> parse_url(std::string_view text);

// "host:port" as in AWS_LAMBDA_RUNTIME_API; always plain HTTP, port 80 if none.
Result<Origin> parse_host_port(std::string_view text);

}  // namespace sdk
