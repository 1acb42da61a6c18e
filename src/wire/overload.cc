#include "wire/overload.h"

#include "wire/cbor_codec.h"
#include "wire/http_grammar.h"

namespace wire {

namespace {

constexpr int kRefused = 400;
constexpr std::string_view kMessage = "Rate exceeded";

HttpResponse answer(std::string_view content_type, std::string body) {
  HttpResponse response;
  response.status = kRefused;
  response.headers = {{"Content-Type", std::string(content_type)},
                      {"x-amzn-ErrorType", "ThrottlingException"}};
  response.body = std::move(body);
  return response;
}

std::string cbor() {
  std::string body;
  append_cbor_map(body, 2);
  append_cbor_text(body, "__type");
  append_cbor_text(body, "ThrottlingException");
  append_cbor_text(body, "message");
  append_cbor_text(body, kMessage);
  return body;
}

}  // namespace

HttpResponse overloaded(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  if (content_type == "application/cbor" || content_type.starts_with("application/x-amz-cbor-"))
    return answer(content_type, cbor());
  if (content_type == "application/json" || content_type.starts_with("application/x-amz-json-"))
    return answer(content_type, R"({"__type":"ThrottlingException","message":"Rate exceeded"})");
  if (content_type == "application/x-www-form-urlencoded" || content_type == "text/xml")
    return answer("text/xml",
                  "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate "
                  "exceeded</Message></Error></ErrorResponse>");
  return refusal(503);
}

}  // namespace wire
