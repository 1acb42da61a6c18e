// AWS Signature Version 4 in request headers. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sdk/environment.h"
#include "sdk/http_message.h"

namespace sdk {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty for long-lived keys
};

// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. Errors: kConfiguration.
Result<Credentials> credentials_from(const Environment& environment);

struct SigningScope {
  std::string region;
  std::string service;
};

// The request with x-amz-date, x-amz-security-token (if there is a token) and authorization
// added. Every header that is there is signed, and Host. The target must be a plain path without
// a query, in its canonical form: "/" is the only one that the JSON services use.
Request signed_request(Request request, std::string_view host_header, const Credentials& keys,
                       const SigningScope& scope, std::int64_t now_unix_ms);

}  // namespace sdk
