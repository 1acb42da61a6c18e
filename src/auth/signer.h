#pragma once

// Signature Version 4, the client's half: signs requests in headers and presigns URLs. Used by our
// own command, tests, and URLs handed to custom resources. Pure functions, thread-safe.

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace auth {

struct SigningCredentials {
  std::string access_key_id;
  std::string secret_key;
  std::string session_token;  // empty: none
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct RequestToSign {
  std::string method = "GET";
  std::string path = "/";   // as it will be sent: already escaped
  std::string query = {};   // as it will be sent: already escaped, without '?'
  HeaderList headers = {};  // must hold "host"
  std::string_view body = {};
  bool unsigned_payload = false;  // S3 only: UNSIGNED-PAYLOAD
};

struct SigningScope {
  std::string region = {};
  std::string service = {};  // the signing name
};

// The headers to add: X-Amz-Date, X-Amz-Security-Token (with a session), X-Amz-Content-Sha256 (S3)
// and Authorization. All of the request's headers are signed except those that proxies and
// libraries change (user-agent, expect, connection, x-amzn-trace-id, transfer-encoding, te).
HeaderList sign_request(const RequestToSign& request, const SigningCredentials& credentials,
                        const SigningScope& scope, base::Timestamp now);

// The whole query string (without '?') of the presigned request; `host` and every header given are
// signed and have to be sent as they are. S3: the body is not signed.
std::string presign_query(const RequestToSign& request, const SigningCredentials& credentials,
                          const SigningScope& scope, base::Timestamp now,
                          std::chrono::seconds expires);

// "endpoint" + path + "?" + presigned query; `endpoint` is "http://host:port", its host is signed.
std::string presign_url(std::string_view endpoint, RequestToSign request,
                        const SigningCredentials& credentials, const SigningScope& scope,
                        base::Timestamp now, std::chrono::seconds expires);

}  // namespace auth
