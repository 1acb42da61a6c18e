#include "client/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace client {
namespace {

using base::ErrorCode;

constexpr std::chrono::milliseconds kRequestTimeout{30'000};

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

std::string first_of(std::initializer_list<std::string> values) {
  for (const std::string& value : values)
    if (!value.empty()) return value;
  return {};
}

}  // namespace

base::Result<Target> find_target(const api::Service& service, const Overrides& overrides,
                                 const Environment& environment) {
  Target target;
  target.region =
      first_of({overrides.region, environment("AWS_REGION"), environment("AWS_DEFAULT_REGION")});
  if (target.region.empty())
    return base::error(ErrorCode::kInvalidArgument, "name the region: --region or AWS_REGION");
  const std::string own = "AWS_ENDPOINT_URL_" + upper(service.name);
  target.endpoint =
      first_of({overrides.endpoint, environment(own.c_str()), environment("AWS_ENDPOINT_URL"),
                fmt::format("https://{}.{}.amazonaws.com{}", service.endpoint, target.region,
                            target.region.starts_with("cn-") ? ".cn" : "")});
  target.credentials = {environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"),
                        environment("AWS_SESSION_TOKEN")};
  if (target.credentials.access_key_id.empty() || target.credentials.secret_key.empty())
    return base::error(ErrorCode::kInvalidArgument,
                       "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (for "
                       "Millrace: eval \"$(millrace env --data-dir DIR)\")");
  return target;
}

base::Result<wire::ClientRequest> make_request(const Target& target,
                                               const api::Operation& operation, std::string body,
                                               base::Timestamp now) {
  const api::Service& service = *operation.service;
  const auto url = wire::parse_url(target.endpoint);
  if (!url)
    return base::error(ErrorCode::kInvalidArgument,
                       url.error().message + "; one looks like http://127.0.0.1:4566");
  auth::RequestToSign to_sign{.method = "POST", .path = url->target};
  to_sign.headers = {
      {"host", url->authority()},
      {"content-type", fmt::format("application/x-amz-json-{}", service.json_version)},
      {"x-amz-target", fmt::format("{}.{}", service.target, operation.name)}};
  to_sign.body = body;
  const auto added = auth::sign_request(to_sign, target.credentials,
                                        {target.region, std::string(service.signing_name)}, now);
  wire::ClientRequest request{.method = "POST", .url = target.endpoint};
  for (const auto& [name, value] : to_sign.headers) request.headers.push_back({name, value});
  for (const auto& [name, value] : added) request.headers.push_back({name, value});
  request.body = std::move(body);
  request.timeout = kRequestTimeout;
  return request;
}

}  // namespace client
