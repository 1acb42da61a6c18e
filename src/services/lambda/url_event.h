#pragma once

// A function URL's two translations: an HTTP request into the event that its function gets (payload
// format 2.0), and what the function answered into an HTTP response. And the headers of CORS. Pure
// functions.

#include <string>
#include <string_view>

#include "auth/principal.h"
#include "base/clock.h"
#include "functions/function.h"
#include "wire/http_types.h"

namespace services::lambda {

struct UrlCall {
  const wire::HttpRequest& request;
  std::string_view path;    // as the function is to see it
  std::string_view id;      // of the URL
  std::string_view domain;  // the URL's host name
  std::string_view request_id;
  base::Timestamp now;
  const auth::Principal* caller = nullptr;  // nullptr: anybody
};
std::string url_event(const UrlCall& call);

// 502 where the answer is none that a URL can pass on.
wire::HttpResponse url_response(const std::string& payload);
wire::HttpResponse url_bad_gateway();

// An answer whose bytes are passed on as the function writes them. Their type may promise a
// prelude: JSON that names status, headers and cookies, and eight zero bytes after it.
inline constexpr std::size_t kPreludeBytesMax = 64U << 10U;
bool has_prelude(std::string_view content_type);
// Where the prelude in `bytes` ends, its zero bytes included; npos: not yet.
std::size_t prelude_end(std::string_view bytes);
wire::HttpResponse prelude_response(std::string_view prelude);
wire::HttpResponse plain_response(const std::string& content_type);

// The answer to a preflight; without headers where the origin or the method is not allowed.
wire::HttpResponse cors_preflight(const functions::UrlCors& cors, const wire::HttpRequest& request);
bool is_preflight(const wire::HttpRequest& request);
// What the configuration says about the origin, over whatever the function said.
void add_cors(const functions::UrlCors& cors, const wire::HttpRequest& request,
              wire::HttpResponse& response);

}  // namespace services::lambda
