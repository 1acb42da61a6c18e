// A function as people write them with Amazon's C++ runtime: its handler is named by the function's
// configuration and comes as the program's first argument.

#include <aws/lambda-runtime/runtime.h>

#include <boost/beast/core/detail/base64.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <thread>

namespace {

namespace json = boost::json;
using aws::lambda_runtime::invocation_request;
using aws::lambda_runtime::invocation_response;

invocation_response answer(const json::value& value) {
  return invocation_response::success(json::serialize(value), "application/json");
}

std::string decoded(std::string_view text) {
  namespace base64 = boost::beast::detail::base64;
  std::string bytes(base64::decoded_size(text.size()), '\0');
  bytes.resize(base64::decode(bytes.data(), text.data(), text.size()).first);
  return bytes;
}

// Digests every record but those that start with "bad" until this process has seen them once. What
// it did stands in the log.
invocation_response process(const invocation_request& request) {
  static std::map<std::string, int> seen;
  json::array bodies;
  json::array failures;
  const json::value event = json::parse(request.payload);
  for (const json::value& record : event.at("Records").as_array()) {
    const json::value& kinesis = record.at("kinesis");
    const std::string body = decoded(kinesis.at("data").as_string());
    if (body.starts_with("bad") && seen[body]++ == 0) {
      failures.push_back({{"itemIdentifier", kinesis.at("sequenceNumber")}});
      break;
    }
    bodies.emplace_back(body);
  }
  std::cout << "DONE " << json::serialize(json::object{{"bodies", bodies}}) << std::endl;
  return answer({{"batchItemFailures", failures}});
}

invocation_response describe(const invocation_request& request) {
  return answer({{"payload", request.payload},
                 {"id", request.request_id},
                 {"trace", request.xray_trace_id},
                 {"client", request.client_context},
                 {"arn", request.function_arn},
                 {"left_ms", request.get_time_remaining().count()}});
}

// Past its deadline.
invocation_response outstay(const invocation_request& request) {
  std::cout << "lingering" << std::endl;
  std::this_thread::sleep_for(request.get_time_remaining() + std::chrono::minutes(1));
  return answer("late");
}

invocation_response judge(const invocation_request& request) {
  if (request.payload.size() > 42)
    return invocation_response::failure(
        "A \"payload\" of\n" + std::to_string(request.payload.size()) + " bytes", "TooLong");
  return answer("short enough");
}

}  // namespace

int main(int count, char** arguments) {
  static const std::map<std::string, invocation_response (*)(const invocation_request&)> handlers =
      {{"process", process}, {"describe", describe}, {"outstay", outstay}, {"judge", judge}};
  const auto found = count > 1 ? handlers.find(arguments[1]) : handlers.end();
  if (found == handlers.end()) {
    std::cerr << "no such handler" << std::endl;
    return 2;
  }
  aws::lambda_runtime::run_handler(found->second);
}
