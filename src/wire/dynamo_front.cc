#include "wire/dynamo_front.h"

#include "base/digest.h"
#include "wire/content_coding.h"
#include "wire/json_codec.h"

namespace wire {
namespace {

constexpr std::string_view kPlainJsonType = "application/json";
constexpr std::string_view kJsonType = "application/x-amz-json-1.0";
constexpr std::size_t kRequestIdLength = 52;

// Without parameters and blanks; JSON where nothing is said.
std::string_view media_type(const HttpRequest& request) {
  const std::string* const header = request.find("content-type");
  if (header == nullptr) return {};
  std::string_view type = *header;
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.front() == ' ') type.remove_prefix(1);
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return type;
}

HttpResponse health(const HttpRequest& request) {
  const std::string* const header = request.find("host");
  const std::string host =
      header == nullptr ? std::string("dynamodb") : header->substr(0, header->rfind(':'));
  HttpResponse response;
  response.headers.push_back({"Content-Type", "text/plain"});
  response.body = "healthy: " + host + " ";
  return response;
}

HttpResponse not_there() {
  HttpResponse response;
  response.status = 404;
  response.body = "<UnknownOperationException/>\n";
  return response;
}

HttpResponse bare(std::string_view code, std::string_view type) {
  HttpResponse response;
  response.status = 400;
  response.headers.push_back({"Content-Type", std::string(type.empty() ? kPlainJsonType : type)});
  response.body = R"({"__type":"com.amazon.coral.service#)" + std::string(code) + R"("})";
  return response;
}

}  // namespace

bool has_dynamo_front(const api::Service& service) { return service.signing_name == "dynamodb"; }

std::string dynamo_request_id(base::Random& random) {
  return base::random_text(random, base::kUpperAlphanumeric, kRequestIdLength);
}

std::optional<HttpResponse> refuse_at_dynamo(const FrontCall& call) {
  const HttpRequest& request = call.request;
  // A protocol of its own, with errors of its own.
  if (request.find("smithy-protocol") != nullptr) return std::nullopt;
  if (request.body.size() > kDynamoBodyMax) {
    HttpResponse response;
    response.status = 413;
    return response;
  }
  if (request.method == "GET") return health(request);
  if (request.method != "POST") return not_there();
  const std::string_view type = media_type(request);
  if (!request.body.empty() && type != kPlainJsonType && type != kJsonType) return not_there();
  if (call.known) return std::nullopt;
  const bool unreadable = !request.body.empty() && request.body.size() <= kFrontParseMax &&
                          !is_json_structure(request.body);
  return bare(unreadable ? "SerializationException" : "UnknownOperationException", type);
}

void finish_dynamo_answer(const HttpRequest& request, std::string_view request_id,
                          HttpResponse& response) {
  // Only the first such header counts.
  const std::string* const accepted = request.find("accept-encoding");
  if (accepted != nullptr && !response.stream && response.body.size() > kUncompressedMax) {
    const ContentCoding coding = accepted_coding(*accepted);
    auto small =
        coding == ContentCoding::kIdentity ? std::nullopt : deflate_body(coding, response.body);
    if (small) {
      response.body = *std::move(small);
      response.headers.push_back({"Content-Encoding", std::string(name_of(coding))});
    }
  }
  std::erase_if(response.headers, [](const Header& header) {
    return equal_ignoring_case(header.name, "x-amz-crc32");
  });
  if (response.find("x-amzn-requestid") == nullptr)
    response.headers.push_back({"x-amzn-RequestId", std::string(request_id)});
  if (response.find("access-control-max-age") == nullptr && !response.stream)
    response.headers.push_back({"x-amz-crc32", std::to_string(base::crc32(response.body))});
  response.headers.push_back({"Server", "Server"});
}

}  // namespace wire
