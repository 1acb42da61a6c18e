#include "wire/coral_front.h"

#include "wire/cbor_codec.h"
#include "wire/json_codec.h"

namespace wire {
namespace {

constexpr std::string_view kJsonType = "application/x-amz-json-1.1";
constexpr std::string_view kCborType = "application/x-amz-cbor-1.1";
constexpr std::string_view kPlainJsonType = "application/json";
constexpr std::string_view kUnreadable = "SerializationException";
constexpr std::string_view kUnknown = "UnknownOperationException";

// Without parameters and blanks.
std::string_view media_type(const HttpRequest& request) {
  const std::string* const header = request.find("content-type");
  if (header == nullptr) return {};
  std::string_view type = *header;
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

HttpResponse typed(int status, std::string_view type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.push_back({"Content-Type", std::string(type)});
  response.body = std::move(body);
  return response;
}

HttpResponse json_error(std::string_view code) {
  return typed(400, kJsonType, R"({"__type":")" + std::string(code) + R"("})");
}

HttpResponse cbor_error(std::string_view code) {
  std::string body;
  append_cbor_map(body, 1);
  append_cbor_text(body, "__type");
  append_cbor_text(body, code);
  return typed(400, kCborType, std::move(body));
}

// For plain JSON, which was once a protocol and is none any more.
HttpResponse bygone_error(int status, std::string_view code) {
  return typed(status, kPlainJsonType,
               R"({"Output":{"__type":"com.amazon.coral.service#)" + std::string(code) +
                   R"("},"Version":"1.0"})");
}

// XML that says of itself neither that it is XML nor in which encoding.
HttpResponse bare_error(int status, std::string_view code, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = '<' + std::string(code);
  if (message.empty()) {
    response.body += "/>\n";
    return response;
  }
  response.body +=
      ">\n  <Message>" + std::string(message) + "</Message>\n</" + std::string(code) + ">\n";
  return response;
}

HttpResponse nothing_named() {
  return bare_error(403, "AccessDeniedException",
                    "Unable to determine service/operation name to be authorized");
}

// X-Amz-Target has two parts, known or not.
bool names_operation(const HttpRequest& request) {
  const std::string* const target = request.find("x-amz-target");
  const std::size_t dot = target == nullptr ? std::string::npos : target->find('.');
  return dot != std::string::npos && dot > 0 && dot + 1 < target->size();
}

// Of what is compressed nothing is known before its signature is.
bool is_readable(const HttpRequest& request) {
  return request.body.size() > kFrontParseMax || request.find("content-encoding") != nullptr ||
         is_json_structure(request.body);
}

}  // namespace

bool has_coral_front(const api::Service& service) { return service.name == "kinesis"; }

std::optional<HttpResponse> refuse_at_front(const FrontCall& call) {
  const HttpRequest& request = call.request;
  // A protocol of its own, with errors of its own.
  if (request.find("smithy-protocol") != nullptr) return std::nullopt;
  if (request.method != "POST") return nothing_named();
  const std::string_view type = media_type(request);
  if (request.body.empty()) {
    const std::string_view code = call.known ? kUnreadable : kUnknown;
    return type == kJsonType ? json_error(code) : cbor_error(code);
  }
  if (type == kPlainJsonType)
    return is_readable(request) ? bygone_error(404, kUnknown) : bygone_error(400, kUnreadable);
  if (type != kJsonType && type != kCborType)
    return names_operation(request) ? bare_error(404, kUnknown, {}) : nothing_named();
  if (call.known) return std::nullopt;
  if (type == kCborType) return cbor_error(kUnknown);
  return json_error(is_readable(request) ? kUnknown : kUnreadable);
}

std::optional<HttpResponse> refuse_unreadable(const HttpRequest& request) {
  if (media_type(request) != kJsonType || is_readable(request)) return std::nullopt;
  return json_error(kUnreadable);
}

std::optional<HttpResponse> answer_preflight(const HttpRequest& request) {
  if (request.method != "OPTIONS" || request.find("origin") == nullptr) return std::nullopt;
  HttpResponse response;
  response.headers = {{"Access-Control-Allow-Origin", "*"}, {"Access-Control-Max-Age", "172800"}};
  if (const std::string* const wanted = request.find("access-control-request-headers"))
    response.headers.push_back({"Access-Control-Allow-Headers", *wanted});
  if (const std::string* const wanted = request.find("access-control-request-method"))
    response.headers.push_back({"Access-Control-Allow-Methods", *wanted});
  return response;
}

void expose_headers(HttpResponse& response) {
  response.headers.push_back(
      {"Access-Control-Expose-Headers",
       "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date"});
}

void allow_origin(const HttpRequest& request, HttpResponse& response) {
  if (request.find("origin") == nullptr) return;
  if (response.find("access-control-allow-origin") != nullptr) return;  // a preflight's answer
  response.headers.push_back({"Access-Control-Allow-Origin", "*"});
  expose_headers(response);
}

}  // namespace wire
