#include "wire/render_error.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/digest.h"
#include "wire/cbor_codec.h"
#include "wire/json_codec.h"
#include "wire/xml_codec.h"

namespace wire {
namespace {

using api::Error;
using api::Protocol;
using api::Service;

// Errors that come from AWS's common framework rather than from a service's own model.
constexpr std::array<std::string_view, 16> kFrameworkErrors = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InternalFailure",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SerializationException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "ValidationException"};

// Lambda's errors whose member is "message"; that of the others is "Message".
constexpr std::array<std::string_view, 13> kLambdaSmallMessage = {
    "CodeStorageExceededException",
    "FunctionVersionsPerCapacityProviderLimitExceededException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "PolicyLengthExceededException",
    "PreconditionFailedException",
    "ProvisionedConcurrencyConfigNotFoundException",
    "RequestTooLargeException",
    "ResourceConflictException",
    "ResourceNotReadyException",
    "SerializedRequestEntityTooLargeException",
    "TooManyRequestsException",
    "UnsupportedMediaTypeException"};

template <std::size_t size>
bool contains(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool is_framework(const Error& error) { return contains(kFrameworkErrors, error.code); }
bool is_dynamo(const Service& service) { return service.signing_name == "dynamodb"; }

// "__type". Only DynamoDB writes whole shape names.
std::string type_of(const Error& error, const Service& service) {
  if (!is_dynamo(service)) return error.code;
  if (error.code == "ValidationException") return "com.amazon.coral.validate#" + error.code;
  const std::string_view package =
      is_framework(error) ? "com.amazon.coral.service#" : "com.amazonaws.dynamodb.v20120810#";
  return std::string(package) + error.code;
}

// "Message" where the model or the framework says so, else "message".
std::string_view message_name(const Error& error) {
  if (error.code == "SerializationException" || error.code == "AccessDeniedException")
    return "Message";
  if (error.detail_shape != nullptr)
    for (const api::Member& member : error.detail_shape->members)
      if (member.name == "Message") return "Message";
  return "message";
}

bool is_message(std::string_view name) { return name == "message" || name == "Message"; }

void append_pair(std::string& out, std::string_view name, std::string_view value) {
  out += out.size() > 1 ? "," : "";
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

// What the error has beside its message.
void append_details(std::string& out, const Error& error) {
  for (const auto& [name, value] : error.members) append_pair(out, name, value);
  if (error.detail == nullptr || error.detail_shape == nullptr) return;
  for (const api::Member& member : error.detail_shape->members) {
    const void* const value = member.find(error.detail.get());
    if (value == nullptr || is_message(member.name) || member.location != api::Location::kBody)
      continue;
    out += out.size() > 1 ? "," : "";
    append_json_string(out, member.name);
    out += ':';
    append_json(out, *member.shape, value);
  }
}

void json_error(HttpResponse& response, const Error& error, const Service& service) {
  std::string& body = response.body;
  body = "{";
  append_pair(body, "__type", type_of(error, service));
  append_details(body, error);
  if (!error.message.empty()) append_pair(body, message_name(error), error.message);
  body += '}';
  response.headers.push_back(
      {"Content-Type", "application/x-amz-json-" + std::string(service.json_version)});
}

void rest_json_error(HttpResponse& response, const Error& error) {
  const bool framework = is_framework(error);
  std::string_view name = message_name(error);
  if (!framework && !contains(kLambdaSmallMessage, error.code)) name = "Message";
  std::string& body = response.body;
  body = "{";
  const bool typed =
      std::ranges::any_of(error.members, [](const auto& m) { return m.first == "Type"; });
  if (!framework && !typed && error.detail == nullptr)
    append_pair(body, "Type", error.status >= 500 ? "Service" : "User");
  append_details(body, error);
  if (!error.message.empty()) append_pair(body, name, error.message);
  body += '}';
  response.headers.push_back({"Content-Type", "application/json"});
  response.headers.push_back({"x-amzn-ErrorType", error.code});
}

void append_xml_details(std::string& out, const Error& error) {
  for (const auto& [name, value] : error.members) append_xml_element(out, name, value);
  if (error.detail == nullptr || error.detail_shape == nullptr) return;
  append_xml_members(out, *error.detail_shape, error.detail.get());
}

void query_error(HttpResponse& response, const Error& error, const Service& service,
                 const ErrorFrame& frame) {
  std::string& body = response.body;
  body = "<ErrorResponse xmlns=\"";
  append_xml_text(body, service.xml_namespace);
  body += "\"><Error>";
  append_xml_element(body, "Type", error.status >= 500 ? "Receiver" : "Sender");
  append_xml_element(body, "Code", error.code);
  append_xml_element(body, "Message", error.message);
  append_xml_details(body, error);
  body += "</Error>";
  append_xml_element(body, "RequestId", frame.request_id);
  body += "</ErrorResponse>";
  response.headers.push_back({"Content-Type", "text/xml"});
}

void s3_error(HttpResponse& response, const Error& error, const ErrorFrame& frame) {
  if (frame.head || error.status == 304) return;
  std::string& body = response.body;
  body = kXmlDeclaration;
  body += "<Error>";
  append_xml_element(body, "Code", error.code);
  append_xml_element(body, "Message", error.message);
  append_xml_details(body, error);
  if (!frame.resource.empty()) append_xml_element(body, "Resource", frame.resource);
  append_xml_element(body, "RequestId", frame.request_id);
  append_xml_element(body, "HostId", frame.host_id);
  body += "</Error>";
  response.headers.push_back({"Content-Type", "application/xml"});
}

void cbor_error(HttpResponse& response, const Error& error, const Service& service,
                std::string_view content_type) {
  append_cbor_map(response.body, error.message.empty() ? 1 : 2);
  append_cbor_text(response.body, "__type");
  append_cbor_text(response.body, type_of(error, service));
  if (!error.message.empty()) {
    append_cbor_text(response.body, message_name(error));
    append_cbor_text(response.body, error.message);
  }
  response.headers.push_back({"Content-Type", std::string(content_type)});
}

// The name that JSON and CBOR have for an error of a service that once spoke Query only, and goes
// on naming errors as it did then.
std::string shape_name_of(std::string_view query_code) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOthers = {{
      {"MissingParameter", "MissingRequiredParameterException"},
      {"InternalServiceError", "InternalServiceFault"},
      {"SignatureDoesNotMatch", "InvalidSignatureException"},
      {"InvalidClientTokenId", "UnrecognizedClientException"},
      {"InvalidAction", "UnknownOperationException"},
      {"ValidationError", "ValidationException"},
  }};
  for (const auto& [code, name] : kOthers)
    if (code == query_code) return std::string(name);
  constexpr std::array<std::string_view, 5> kWithException = {
      "InvalidParameterValue", "InvalidParameterCombination", "AccessDenied", "ExpiredToken",
      "IncompleteSignature"};
  std::string name(query_code);
  if (contains(kWithException, query_code)) name += "Exception";
  return name;
}

// A Query service that is spoken to in JSON or CBOR (awsQueryCompatible): the header has the code
// that clients know.
void query_compatible_error(HttpResponse& response, const Error& error, const Service& service,
                            std::string_view content_type) {
  Error named = error;
  named.code = shape_name_of(error.code);
  response.headers.push_back(
      {"x-amzn-query-error", error.code + (error.status >= 500 ? ";Receiver" : ";Sender")});
  if (content_type.starts_with("application/x-amz-json-1.0")) {
    json_error(response, named, service);
    return;
  }
  cbor_error(response, named, service, content_type);
  response.headers.push_back({"smithy-protocol", "rpc-v2-cbor"});
}

bool is_query_compatible(const Service& service) {
  return service.protocol == Protocol::kQuery && !service.target.empty();
}

std::string_view cbor_type(std::string_view request_type) {
  for (const std::string_view type : {"application/x-amz-cbor-1.1", "application/cbor"})
    if (request_type.starts_with(type)) return type;
  return {};
}

}  // namespace

void add_answer_headers(HttpResponse& response, const Service& service, std::string_view request_id,
                        std::string_view host_id) {
  const bool s3 = service.protocol == Protocol::kRestXml;
  response.headers.push_back(
      {s3 ? "x-amz-request-id" : "x-amzn-RequestId", std::string(request_id)});
  if (!host_id.empty()) response.headers.push_back({"x-amz-id-2", std::string(host_id)});
  if (is_dynamo(service) && !response.stream)
    response.headers.push_back({"x-amz-crc32", std::to_string(base::crc32(response.body))});
}

HttpResponse render_error(const Error& error, const Service& service, const ErrorFrame& frame) {
  HttpResponse response;
  response.status = error.status;
  const std::string_view cbor = cbor_type(frame.request_content_type);
  const bool json = frame.request_content_type.starts_with("application/x-amz-json-1.0");
  if (!cbor.empty() && service.protocol == Protocol::kJson) {
    cbor_error(response, error, service, cbor);
  } else if (is_query_compatible(service) && (json || !cbor.empty())) {
    query_compatible_error(response, error, service, json ? frame.request_content_type : cbor);
  } else {
    switch (service.protocol) {
      case Protocol::kJson: json_error(response, error, service); break;
      case Protocol::kRestJson: rest_json_error(response, error); break;
      case Protocol::kQuery: query_error(response, error, service, frame); break;
      case Protocol::kRestXml: s3_error(response, error, frame); break;
    }
  }
  add_answer_headers(response, service, frame.request_id, frame.host_id);
  return response;
}

}  // namespace wire
