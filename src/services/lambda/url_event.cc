#include "services/lambda/url_event.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "base/encoding.h"
#include "base/time_text.h"

namespace services::lambda {
namespace {

namespace json = boost::json;
using wire::HttpRequest;
using wire::HttpResponse;

constexpr std::string_view kDefault = "$default";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

std::string_view header(const HttpRequest& request, std::string_view name) {
  const std::string* const value = request.find(name);
  return value == nullptr ? std::string_view() : std::string_view(*value);
}

// 12/Mar/2020:19:03:58 +0000
std::string common_log_time(base::Timestamp now) {
  const std::string text = base::http_date(now);  // Thu, 12 Mar 2020 19:03:58 GMT
  return fmt::format("{}/{}/{}:{} +0000", text.substr(5, 2), text.substr(8, 3), text.substr(12, 4),
                     text.substr(17, 8));
}

// Whether a body of this type reaches the function as it is rather than in Base64.
bool is_text(std::string_view content_type) {
  const std::string type = lower(content_type.substr(0, content_type.find(';')));
  return type.starts_with("text/") || type == "application/json" || type == "application/xml" ||
         type == "application/javascript" || type.ends_with("+json") || type.ends_with("+xml");
}

std::string printable(std::string_view text) {
  return base::is_valid_utf8(text) ? std::string(text) : std::string();
}

template <class Add>
void split(std::string_view text, char separator, Add add) {
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    add(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void join(std::map<std::string, std::string>& all, std::string name, std::string_view value) {
  const auto [at, fresh] = all.emplace(std::move(name), value);
  if (!fresh) at->second.append(",").append(value);
}

json::object object_of(const std::map<std::string, std::string>& map) {
  json::object out;
  for (const auto& [name, value] : map)
    if (base::is_valid_utf8(name)) out[name] = printable(value);
  return out;
}

json::object headers_of(const UrlCall& call) {
  std::map<std::string, std::string> all;
  for (const wire::Header& one : call.request.headers) join(all, lower(one.name), one.value);
  all["host"] = call.domain;
  all["x-forwarded-for"] = call.request.peer_address;
  all["x-forwarded-proto"] = call.request.secure ? "https" : "http";
  all["x-forwarded-port"] = call.request.secure ? "443" : "80";
  return object_of(all);
}

json::object query_of(std::string_view query) {
  std::map<std::string, std::string> all;
  split(query, '&', [&](std::string_view pair) {
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    join(all, base::uri_decode(pair.substr(0, equals), true), base::uri_decode(value, true));
  });
  return object_of(all);
}

json::object context_of(const UrlCall& call) {
  const HttpRequest& request = call.request;
  json::object out{{"accountId", call.caller == nullptr ? "anonymous" : call.caller->account_id},
                   {"apiId", call.id},
                   {"domainName", call.domain},
                   {"domainPrefix", call.id},
                   {"http", json::object{{"method", request.method},
                                         {"path", printable(call.path)},
                                         {"protocol", request.http2 ? "HTTP/2.0" : "HTTP/1.1"},
                                         {"sourceIp", request.peer_address},
                                         {"userAgent", printable(header(request, "user-agent"))}}},
                   {"requestId", call.request_id},
                   {"routeKey", kDefault},
                   {"stage", kDefault},
                   {"time", common_log_time(call.now)},
                   {"timeEpoch", base::to_epoch_ms(call.now)}};
  if (call.caller == nullptr) return out;
  out["authorizer"] = json::object{{"iam", json::object{{"accessKey", call.caller->access_key_id},
                                                        {"accountId", call.caller->account_id},
                                                        {"callerId", call.caller->user_id},
                                                        {"cognitoIdentity", nullptr},
                                                        {"principalOrgId", nullptr},
                                                        {"userArn", call.caller->arn},
                                                        {"userId", call.caller->user_id}}}};
  return out;
}

// A header's value as functions give it: text, or a number or truth value.
std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

// The function named a status: it says what the client gets.
HttpResponse explicit_response(const json::object& answer) {
  HttpResponse response;
  const json::value& status = answer.at("statusCode");
  boost::system::error_code failure;
  response.status = status.to_number<int>(failure);
  if (failure || response.status < 100 || response.status > 599) return url_bad_gateway();
  bool typed = false;
  if (const json::value* const headers = answer.if_contains("headers");
      headers != nullptr && headers->is_object())
    for (const auto& [name, value] : headers->as_object()) {
      typed |= wire::equal_ignoring_case(std::string(name), "content-type");
      response.headers.push_back({std::string(name), text_of(value)});
    }
  if (!typed) response.headers.push_back({"Content-Type", "application/json"});
  if (const json::value* const cookies = answer.if_contains("cookies");
      cookies != nullptr && cookies->is_array())
    for (const json::value& cookie : cookies->as_array())
      response.headers.push_back({"Set-Cookie", text_of(cookie)});
  const json::value* const body = answer.if_contains("body");
  if (body == nullptr || body->is_null()) return response;
  response.body = text_of(*body);
  const json::value* const encoded = answer.if_contains("isBase64Encoded");
  if (encoded == nullptr || !encoded->is_bool() || !encoded->as_bool()) return response;
  auto decoded = base::from_base64(response.body);
  if (!decoded) return url_bad_gateway();
  response.body = *std::move(decoded);
  return response;
}

bool lists(const std::vector<std::string>& all, std::string_view one) {
  return std::ranges::any_of(all, [&](const std::string& each) {
    return each == "*" || wire::equal_ignoring_case(each, one);
  });
}

void set_header(HttpResponse& response, std::string_view name, std::string value) {
  std::erase_if(response.headers, [&](const wire::Header& header) {
    return wire::equal_ignoring_case(header.name, name);
  });
  response.headers.push_back({std::string(name), std::move(value)});
}

// False: the origin is not among those allowed.
bool add_origin(const functions::UrlCors& cors, const HttpRequest& request,
                HttpResponse& response) {
  const std::string_view origin = header(request, "origin");
  if (origin.empty() || !lists(cors.allow_origins, origin)) return false;
  const bool any = !cors.allow_credentials && lists(cors.allow_origins, "*");
  set_header(response, "Access-Control-Allow-Origin", any ? "*" : std::string(origin));
  if (!any) set_header(response, "Vary", "Origin");
  if (cors.allow_credentials) set_header(response, "Access-Control-Allow-Credentials", "true");
  return true;
}

}  // namespace

std::string url_event(const UrlCall& call) {
  const HttpRequest& request = call.request;
  json::object event{{"version", "2.0"},
                     {"routeKey", kDefault},
                     {"rawPath", printable(call.path)},
                     {"rawQueryString", printable(request.query)}};
  json::array cookies;
  for (const wire::Header& one : request.headers)
    if (wire::equal_ignoring_case(one.name, "cookie"))
      split(one.value, ';', [&](std::string_view cookie) {
        while (cookie.starts_with(' ')) cookie.remove_prefix(1);
        if (!cookie.empty()) cookies.emplace_back(printable(cookie));
      });
  if (!cookies.empty()) event["cookies"] = std::move(cookies);
  event["headers"] = headers_of(call);
  if (!request.query.empty()) event["queryStringParameters"] = query_of(request.query);
  event["requestContext"] = context_of(call);
  const bool plain = request.body.empty() || (is_text(header(request, "content-type")) &&
                                              base::is_valid_utf8(request.body));
  if (!request.body.empty()) event["body"] = plain ? request.body : base::base64(request.body);
  event["isBase64Encoded"] = !plain;
  return json::serialize(event);
}

HttpResponse url_bad_gateway() {
  HttpResponse response;
  response.status = 502;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = "Internal Server Error";
  return response;
}

HttpResponse url_response(const std::string& payload) {
  boost::system::error_code failure;
  const json::value answer = json::parse(payload, failure);
  if (failure) return url_bad_gateway();
  if (answer.is_object() && answer.as_object().contains("statusCode"))
    return explicit_response(answer.as_object());
  HttpResponse response;
  response.headers = {{"Content-Type", "application/json"}};
  response.body = answer.is_string() ? std::string(answer.as_string()) : payload;
  return response;
}

bool has_prelude(std::string_view content_type) {
  return lower(content_type).starts_with("application/vnd.awslambda.http-integration-response");
}

constexpr std::string_view kPreludeMark("\0\0\0\0\0\0\0\0", 8);

std::size_t prelude_end(std::string_view bytes) {
  const std::size_t mark = bytes.find(kPreludeMark);
  return mark == std::string_view::npos ? mark : mark + kPreludeMark.size();
}

HttpResponse prelude_response(std::string_view prelude) {
  if (!prelude.ends_with(kPreludeMark)) return url_bad_gateway();
  prelude.remove_suffix(kPreludeMark.size());
  boost::system::error_code failure;
  const json::value told = json::parse(prelude, failure);
  if (failure || !told.is_object()) return url_bad_gateway();
  json::object head = told.as_object();
  head.emplace("statusCode", 200);
  head.erase("body");
  HttpResponse response = explicit_response(head);
  // The body comes in chunks, however long it is.
  std::erase_if(response.headers, [](const wire::Header& one) {
    return wire::equal_ignoring_case(one.name, "content-length");
  });
  return response;
}

HttpResponse plain_response(const std::string& content_type) {
  HttpResponse response;
  response.headers = {
      {"Content-Type", content_type.empty() ? "application/octet-stream" : content_type}};
  return response;
}

bool is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && request.find("origin") != nullptr &&
         request.find("access-control-request-method") != nullptr;
}

HttpResponse cors_preflight(const functions::UrlCors& cors, const HttpRequest& request) {
  HttpResponse response;
  if (!lists(cors.allow_methods, header(request, "access-control-request-method"))) return response;
  if (!add_origin(cors, request, response)) return response;
  set_header(response, "Access-Control-Allow-Methods",
             fmt::format("{}", fmt::join(cors.allow_methods, ",")));
  if (!cors.allow_headers.empty())
    set_header(response, "Access-Control-Allow-Headers",
               fmt::format("{}", fmt::join(cors.allow_headers, ",")));
  if (cors.max_age_s)
    set_header(response, "Access-Control-Max-Age", std::to_string(*cors.max_age_s));
  return response;
}

void add_cors(const functions::UrlCors& cors, const HttpRequest& request, HttpResponse& response) {
  std::erase_if(response.headers, [](const wire::Header& header) {
    return lower(header.name).starts_with("access-control-");
  });
  if (!add_origin(cors, request, response) || cors.expose_headers.empty()) return;
  set_header(response, "Access-Control-Expose-Headers",
             fmt::format("{}", fmt::join(cors.expose_headers, ",")));
}

}  // namespace services::lambda
