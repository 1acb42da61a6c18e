#include "services/lambda/url_front.h"

#include <boost/json.hpp>

#include "auth/denial.h"
#include "services/lambda/url_event.h"

namespace services::lambda {
namespace {

using wire::HttpRequest;
using wire::HttpResponse;

constexpr std::string_view kPath = "/_millrace/url/";
constexpr std::string_view kHostPart = ".lambda-url.";

HttpResponse answer(int status, std::string body, std::string_view error_type = {}) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}};
  if (!error_type.empty())
    response.headers.push_back({"x-amzn-ErrorType", std::string(error_type)});
  response.body = std::move(body);
  return response;
}

HttpResponse forbidden() {
  return answer(403,
                R"({"Message":"Forbidden. For troubleshooting Function URL authorization issues, )"
                R"(see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"})",
                "AccessDeniedException");
}

HttpResponse told(const api::Error& error) {
  return answer(error.status,
                boost::json::serialize(boost::json::object{{"message", error.message}}),
                error.code);
}

std::string_view host_of(const HttpRequest& request) {
  const std::string* const host = request.find("host");
  if (host == nullptr) return {};
  return std::string_view(*host).substr(0, host->find(':'));
}

}  // namespace

std::string url_domain(const std::string& id, const std::string& region) {
  return id + std::string(kHostPart) + region + ".on.aws";
}

std::optional<UrlPlace> url_place(const HttpRequest& request) {
  const std::string_view path = request.path;
  if (path.starts_with(kPath)) {
    const std::string_view rest = path.substr(kPath.size());
    const std::size_t slash = rest.find('/');
    if (slash == 0 || rest.empty()) return std::nullopt;
    const std::string_view below =
        slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
    return UrlPlace{std::string(rest.substr(0, slash)), std::string(below)};
  }
  const std::string_view host = host_of(request);
  const std::size_t at = host.find(kHostPart);
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  if (!host.ends_with(".on.aws") && !host.ends_with(".localhost")) return std::nullopt;
  return UrlPlace{std::string(host.substr(0, at)), std::string(path)};
}

struct UrlFront::Call {
  HttpRequest request;
  UrlPlace place;
  Target target;
  functions::UrlConfig url;
  std::shared_ptr<const auth::Credential> credential;  // null: anybody
  std::string request_id;
};

// Who signed it. A URL of AuthType NONE does not look at signatures.
std::optional<HttpResponse> UrlFront::authenticate(Call& call) {
  if (call.url.auth_type != "AWS_IAM") return std::nullopt;
  const HttpRequest& request = call.request;
  std::vector<auth::HeaderView> headers;
  for (const wire::Header& header : request.headers) headers.push_back({header.name, header.value});
  const auth::SignedRequest signed_request{.method = request.method,
                                           .path = request.path,
                                           .query = request.query,
                                           .headers = headers,
                                           .body = request.body,
                                           .secure = request.secure};
  if (!auth::has_signature(signed_request)) return forbidden();
  auto parsed = auth::parse_signature_v4(signed_request);
  if (!parsed) return told(auth::to_api_error(parsed.error(), auth::ErrorFamily::kRestJson));
  auto who = authenticator_.authenticate(*std::move(parsed), signed_request,
                                         {.region = call.target.key.region, .service = "lambda"});
  if (!who) return told(auth::to_api_error(who.error(), auth::ErrorFamily::kRestJson));
  call.credential = std::move(who->credential);
  return std::nullopt;
}

// Both rights are asked for, as on AWS: to call the URL, and to run the function through one.
std::optional<HttpResponse> UrlFront::refuse(Call& call) {
  if (auto refused = authenticate(call)) return refused;
  const std::string* const agent = call.request.find("user-agent");
  const std::string* const referer = call.request.find("referer");
  const auth::RequestFacts facts{.source_ip = call.request.peer_address,
                                 .user_agent = agent == nullptr ? std::string() : *agent,
                                 .referer = referer == nullptr ? std::string() : *referer,
                                 .region = call.target.key.region,
                                 .secure_transport = call.request.secure};
  wire::Checks checks{function_check(deps_, "lambda:InvokeFunctionUrl", call.target),
                      function_check(deps_, "lambda:InvokeFunction", call.target)};
  checks[0].context.push_back({"lambda:FunctionUrlAuthType", {call.url.auth_type}});
  checks[1].context.push_back({"lambda:InvokedViaFunctionUrl", {"true"}});
  const auth::Principal stranger = auth::anonymous_principal();
  const auth::Principal& who = call.credential ? call.credential->principal : stranger;
  if (authorizer_.authorize(who, checks, facts)) return std::nullopt;
  return forbidden();
}

async::Task<HttpResponse> UrlFront::handle(HttpRequest request) {
  auto place = url_place(request);
  CHECK(place);
  const auto owner = deps_.catalogue.find_url(place->id);
  const FunctionPtr function = owner ? deps_.catalogue.find(owner->key) : nullptr;
  if (function == nullptr || !function->urls.contains(owner->qualifier))
    co_return answer(404, R"({"Message":null})", "ResourceNotFoundException");
  Call call{.request = std::move(request),
            .place = *std::move(place),
            .target = {owner->key, owner->qualifier},
            .url = function->urls.at(owner->qualifier),
            .credential = nullptr,
            .request_id = base::uuid(deps_.random)};
  if (call.url.cors && is_preflight(call.request))
    co_return cors_preflight(*call.url.cors, call.request);
  if (auto refused = refuse(call)) co_return *std::move(refused);
  const std::string domain = url_domain(call.place.id, call.target.key.region);
  functions::Invocation invocation{
      .key = call.target.key,
      .qualifier = call.target.qualifier,
      .payload = url_event({.request = call.request,
                            .path = call.place.path,
                            .id = call.place.id,
                            .domain = domain,
                            .request_id = call.request_id,
                            .now = deps_.clock.now(),
                            .caller = call.credential ? &call.credential->principal : nullptr}),
      .client_context = {},
      .request_id = call.request_id};
  const auto result = co_await deps_.invoker.invoke(std::move(invocation));
  HttpResponse response;
  if (!result && result.error().status == 429) response = told(result.error());
  else if (!result && result.error().status == 413) response = told(result.error());
  else if (!result || !result->function_error.empty()) response = url_bad_gateway();
  else response = url_response(result->payload);
  if (call.url.cors) add_cors(*call.url.cors, call.request, response);
  response.headers.push_back({"x-amzn-RequestId", call.request_id});
  co_return response;
}

}  // namespace services::lambda
