#pragma once

// OAuth 1.0a request signing with HMAC-SHA1 (RFC 5849), as X's v1.1 interfaces want it. Pure.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace feed {

struct OAuth1Keys {
  std::string consumer_key;
  std::string consumer_secret;
  std::string token;
  std::string token_secret;
};

struct OAuth1Request {
  std::string method = "POST";
  std::string url;  // without query: "https://host/path"; a port only if it is not the scheme's
  std::vector<std::pair<std::string, std::string>> parameters;  // of query and form, not escaped
  std::string nonce;
  std::string timestamp;  // seconds since the Unix epoch
};

// The value of the Authorization header.
std::string oauth1_authorization(const OAuth1Request& request, const OAuth1Keys& keys);

}  // namespace feed
