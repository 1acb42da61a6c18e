#include "services/lambda/url_front.h"

#include <boost/json.hpp>
#include <stdexcept>

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

HttpResponse failed(const api::Error& error) {
  return error.status == 429 || error.status == 413 ? told(error) : url_bad_gateway();
}

// A function that fails within its answer has the client's connection cut: there is no other way
// left to tell.
struct CutOff : std::runtime_error {
  CutOff() : std::runtime_error("the function failed within its answer") {}
};

async::Task<void> pass_on(functions::ResponseReader reader, std::string first,
                          wire::BodyWriter& body) {
  bool taken = co_await body.write(std::move(first));
  while (taken) {
    auto piece = co_await reader->read(body.stop_token());
    if (!piece) break;
    taken = co_await body.write(*std::move(piece));
  }
  if (!taken || body.stop_token().stop_requested()) co_return;
  const auto& outcome = reader->outcome();
  if (!outcome || !outcome->function_error.empty()) throw CutOff();
}

wire::StreamedBody passing_on(functions::ResponseReader reader, std::string first) {
  return [reader = std::move(reader), first = std::move(first)](wire::BodyWriter& body) mutable {
    return pass_on(std::move(reader), std::move(first), body);
  };
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

// The whole answer at once.
async::Task<HttpResponse> UrlFront::run(functions::Invocation invocation) {
  auto result = co_await deps_.invoker.invoke(std::move(invocation));
  if (!result) co_return failed(result.error());
  if (!result->function_error.empty()) co_return url_bad_gateway();
  if (!has_prelude(result->content_type)) co_return url_response(result->payload);
  const std::size_t end = std::min(prelude_end(result->payload), result->payload.size());
  HttpResponse response = prelude_response(std::string_view(result->payload).substr(0, end));
  if (response.body.empty()) response.body = result->payload.substr(end);
  co_return response;
}

// The answer as the function writes it.
async::Task<HttpResponse> UrlFront::stream(functions::Invocation invocation) {
  functions::ResponseReader reader = deps_.invoker.invoke_streaming(std::move(invocation));
  const auto head = co_await reader->head();
  if (!head && !reader->outcome()) co_return failed(reader->outcome().error());
  if (!head) co_return url_bad_gateway();
  if (!has_prelude(head->content_type)) {
    HttpResponse response = plain_response(head->content_type);
    response.stream = passing_on(std::move(reader), {});
    co_return response;
  }
  std::string first;
  while (prelude_end(first) == std::string::npos && first.size() < kPreludeBytesMax) {
    auto piece = co_await reader->read();
    if (!piece) co_return url_bad_gateway();
    first += *piece;
  }
  const std::size_t end = std::min(prelude_end(first), first.size());
  HttpResponse response = prelude_response(std::string_view(first).substr(0, end));
  if (response.body.empty()) response.stream = passing_on(std::move(reader), first.substr(end));
  co_return response;
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
  HttpResponse response;
  if (call.url.invoke_mode == "RESPONSE_STREAM") response = co_await stream(std::move(invocation));
  else response = co_await run(std::move(invocation));
  if (call.url.cors) add_cors(*call.url.cors, call.request, response);
  response.headers.push_back({"x-amzn-RequestId", call.request_id});
  co_return response;
}

}  // namespace services::lambda
