#include "sdk/sigv4.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "sdk/digest.h"
#include "sdk/encoding.h"
#include "sdk/time_text.h"

namespace sdk {
namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

// Without blanks at the ends, runs of blanks as one.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out.push_back(c);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

struct CanonicalHeaders {
  std::string text;   // "name:value\n" each
  std::string names;  // "a;b;c"
};

CanonicalHeaders canonical_headers(const Request& request, std::string_view host_header) {
  std::vector<std::pair<std::string, std::string>> all{{"host", std::string(host_header)}};
  for (const Header& header : request.headers) {
    all.emplace_back(lower_case(header.name), squeezed(header.value));
  }
  std::ranges::sort(all);
  CanonicalHeaders out;
  for (const auto& [name, value] : all) {
    out.text += name + ":" + value + "\n";
    out.names += (out.names.empty() ? "" : ";") + name;
  }
  return out;
}

}  // namespace

Result<Credentials> credentials_from(const Environment& environment) {
  Credentials keys{environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY"),
                   environment.get("AWS_SESSION_TOKEN")};
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
    return failure(Fault::kConfiguration, "MissingCredentials",
                   "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set");
  }
  return keys;
}

Request signed_request(Request request, std::string_view host_header, const Credentials& keys,
                       const SigningScope& scope, std::int64_t now_unix_ms) {
  const std::string time = basic_iso8601(now_unix_ms);
  const std::string date = time.substr(0, 8);
  request.headers.push_back({"X-Amz-Date", time});
  if (!keys.session_token.empty()) {
    request.headers.push_back({"X-Amz-Security-Token", keys.session_token});
  }
  const CanonicalHeaders headers = canonical_headers(request, host_header);
  const std::string canonical = request.method + "\n" + request.target + "\n\n" + headers.text +
                                "\n" + headers.names + "\n" + hex_encode(sha256(request.body));
  const std::string where = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + where + "\n" + hex_encode(sha256(canonical));
  std::string key = hmac_sha256("AWS4" + keys.secret_access_key, date);
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  key = hmac_sha256(key, "aws4_request");
  request.headers.push_back(
      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + keys.access_key_id + "/" + where +
                            ", SignedHeaders=" + headers.names +
                            ", Signature=" + hex_encode(hmac_sha256(key, to_sign))});
  return request;
}

}  // namespace sdk
