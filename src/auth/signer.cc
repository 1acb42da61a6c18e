#include "auth/signer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "auth/canonical.h"
#include "base/ascii.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace auth {
namespace {

bool is_signable(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kLeftOut = {
      "authorization", "connection", "expect",          "te",
      "user-agent",    "trailer",    "x-amzn-trace-id", "transfer-encoding"};
  return std::ranges::none_of(kLeftOut, [&](std::string_view left_out) {
    return base::equal_ignoring_case(name, left_out);
  });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string signed_names(const HeaderList& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers)
    if (is_signable(name)) names.push_back(lower(name));
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return fmt::format("{}", fmt::join(names, ";"));
}

std::string scope_text(const SigningScope& scope, std::string_view timestamp) {
  return fmt::format("{}/{}/{}/aws4_request", timestamp.substr(0, 8), scope.region, scope.service);
}

std::string signature_for(const RequestToSign& request, std::string_view query,
                          const HeaderList& headers, std::string_view names,
                          std::string_view payload, std::string_view secret,
                          const SigningScope& scope, std::string_view timestamp) {
  std::vector<HeaderView> views;
  views.reserve(headers.size());
  for (const auto& [name, value] : headers) views.push_back({name, value});

  std::string text = request.method + "\n";
  if (scope.service == "s3") canonical::append_s3_path(text, request.path);
  else canonical::append_normalised_path(text, request.path);
  text += '\n';
  canonical::append_query(text, query, false);
  text += '\n';
  canonical::append_headers(text, names, views);
  text.append("\n").append(names).append("\n").append(payload);
  const std::string key =
      canonical::signing_key(secret, timestamp.substr(0, 8), scope.region, scope.service);
  return base::hex(base::hmac_sha256(
      key, canonical::string_to_sign(timestamp, scope_text(scope, timestamp), text)));
}

}  // namespace

HeaderList sign_request(const RequestToSign& request, const SigningCredentials& credentials,
                        const SigningScope& scope, base::Timestamp now) {
  const std::string timestamp = base::amz_date(now);
  const std::string payload = request.unsigned_payload ? std::string(kUnsignedPayload)
                                                       : base::hex(base::sha256(request.body));
  HeaderList added = {{"X-Amz-Date", timestamp}};
  if (!credentials.session_token.empty())
    added.emplace_back("X-Amz-Security-Token", credentials.session_token);
  if (scope.service == "s3") added.emplace_back("X-Amz-Content-Sha256", payload);

  HeaderList all = request.headers;
  all.insert(all.end(), added.begin(), added.end());
  const std::string names = signed_names(all);
  const std::string signature = signature_for(request, request.query, all, names, payload,
                                              credentials.secret_key, scope, timestamp);
  added.emplace_back(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kSigV4Algorithm,
                  credentials.access_key_id, scope_text(scope, timestamp), names, signature));
  return added;
}

std::string presign_query(const RequestToSign& request, const SigningCredentials& credentials,
                          const SigningScope& scope, base::Timestamp now,
                          std::chrono::seconds expires) {
  const std::string timestamp = base::amz_date(now);
  const std::string names = signed_names(request.headers);
  const std::string credential =
      fmt::format("{}/{}", credentials.access_key_id, scope_text(scope, timestamp));
  std::string query = request.query;
  if (!query.empty()) query += '&';
  query += fmt::format(
      "X-Amz-Algorithm={}&X-Amz-Credential={}&X-Amz-Date={}&X-Amz-Expires={}&X-Amz-SignedHeaders={"
      "}",
      kSigV4Algorithm, base::uri_encode(credential), timestamp, expires.count(),
      base::uri_encode(names));
  if (!credentials.session_token.empty())
    query += "&X-Amz-Security-Token=" + base::uri_encode(credentials.session_token);
  const std::string payload =
      scope.service == "s3" ? std::string(kUnsignedPayload) : base::hex(base::sha256(request.body));
  query += "&X-Amz-Signature=" + signature_for(request, query, request.headers, names, payload,
                                               credentials.secret_key, scope, timestamp);
  return query;
}

std::string presign_url(std::string_view endpoint, RequestToSign request,
                        const SigningCredentials& credentials, const SigningScope& scope,
                        base::Timestamp now, std::chrono::seconds expires) {
  const std::size_t scheme_end = endpoint.find("://");
  CHECK(scheme_end != std::string_view::npos);
  std::string host(endpoint.substr(scheme_end + 3));
  // A client leaves the scheme's own port out of the Host header.
  const std::string_view port = endpoint.starts_with("https:") ? ":443" : ":80";
  if (host.ends_with(port)) host.resize(host.size() - port.size());
  std::erase_if(request.headers,
                [](const auto& header) { return base::equal_ignoring_case(header.first, "host"); });
  request.headers.emplace_back("host", host);
  const std::string query = presign_query(request, credentials, scope, now, expires);
  return fmt::format("{}{}?{}", endpoint, request.path, query);
}

}  // namespace auth
