#pragma once

// Where a client's requests go and who signs them: Millrace or AWS. Pure; plain values.

#include <functional>
#include <string>
#include <string_view>

#include "api/shape.h"
#include "auth/signer.h"
#include "base/result.h"
#include "wire/http_client.h"

namespace client {

struct Target {
  std::string endpoint;  // "https://kinesis.us-east-1.amazonaws.com"
  std::string region;
  auth::SigningCredentials credentials;
};

// What a command's options say; what is empty comes from the environment.
struct Overrides {
  std::string endpoint;
  std::string region;
};

using Environment = std::function<std::string(const char* name)>;  // "" if it is not set

// As AWS's own tools: AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL (neither: AWS), AWS_REGION or
// AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
// kInvalidArgument: something is missing; the text says what to do.
base::Result<Target> find_target(const api::Service& service, const Overrides& overrides,
                                 const Environment& environment);

// A signed request of the services that speak JSON. kInvalidArgument: the endpoint is no URL.
base::Result<wire::ClientRequest> make_request(const Target& target,
                                               const api::Operation& operation, std::string body,
                                               base::Timestamp now);

}  // namespace client
