#include "feed/oauth1.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/encoding.h"

namespace feed {

std::string oauth1_authorization(const OAuth1Request& request, const OAuth1Keys& keys) {
  std::vector<std::pair<std::string, std::string>> own = {
      {"oauth_consumer_key", keys.consumer_key},
      {"oauth_nonce", request.nonce},
      {"oauth_signature_method", "HMAC-SHA1"},
      {"oauth_timestamp", request.timestamp},
      {"oauth_token", keys.token},
      {"oauth_version", "1.0"},
  };
  // Sorted by their escaped forms (RFC 5849, 3.4.1.3.2).
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : own)
    all.emplace_back(base::uri_encode(name), base::uri_encode(value));
  for (const auto& [name, value] : request.parameters)
    all.emplace_back(base::uri_encode(name), base::uri_encode(value));
  std::ranges::sort(all);
  std::string joined;
  for (const auto& [name, value] : all) {
    if (!joined.empty()) joined += '&';
    joined.append(name).append("=").append(value);
  }
  const std::string text = fmt::format("{}&{}&{}", request.method, base::uri_encode(request.url),
                                       base::uri_encode(joined));
  const std::string key =
      base::uri_encode(keys.consumer_secret) + "&" + base::uri_encode(keys.token_secret);
  own.emplace_back("oauth_signature", base::base64(base::hmac_sha1(key, text)));
  std::ranges::sort(own);
  std::string header = "OAuth ";
  for (const auto& [name, value] : own) {
    if (!header.ends_with(' ')) header += ", ";
    header += fmt::format("{}=\"{}\"", name, base::uri_encode(value));
  }
  return header;
}

}  // namespace feed
