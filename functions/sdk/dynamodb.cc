#include "sdk/dynamodb.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "sdk/encoding.h"

namespace sdk {
namespace {

constexpr std::array<std::string_view, 9> kTransient = {"ProvisionedThroughputExceededException",
                                                        "ThrottlingException",
                                                        "Throttling",
                                                        "RequestLimitExceeded",
                                                        "TooManyRequestsException",
                                                        "InternalServerError",
                                                        "InternalFailure",
                                                        "ServiceUnavailable",
                                                        "TransactionInProgressException"};

// {"__type": "com.amazonaws.dynamodb.v20120810#ValidationException", "message": "..."}
Error service_error(const Response& response) {
  Error error{Fault::kService, "HttpStatus" + std::to_string(response.status), ""};
  boost::system::error_code code;
  const boost::json::value body = boost::json::parse(response.body, code);
  const boost::json::object* object = code ? nullptr : body.if_object();
  if (object == nullptr) {
    error.message = "DynamoDB answered with status " + std::to_string(response.status);
    return error;
  }
  if (const auto* type = object->if_contains("__type"); type != nullptr && type->is_string()) {
    const std::string_view name = type->get_string();
    error.type = name.substr(name.rfind('#') + 1);  // npos + 1 is 0: no prefix
  }
  for (const std::string_view key : {"message", "Message"}) {
    const auto* text = object->if_contains(key);
    if (text != nullptr && text->is_string()) error.message = text->get_string();
  }
  return error;
}

bool checksum_matches(const Response& response) {
  const std::string_view text = response.header("x-amz-crc32");
  if (text.empty()) return true;
  std::uint32_t expected = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), expected);
  if (code != std::errc() || end != text.data() + text.size()) return false;
  return crc32(response.body) == expected;
}

}  // namespace

DynamoDb::DynamoDb(std::unique_ptr<HttpTransport> transport, Options options, Clock& clock,
                   Random& random)
    : transport_(std::move(transport)),
      options_(std::move(options)),
      clock_(clock),
      random_(random) {}

Result<std::string> DynamoDb::call(std::string_view operation, std::string body,
                                   Deadline deadline) {
  const Request request{
      .method = "POST",
      .target = "/",
      .headers = {{"Content-Type", "application/x-amz-json-1.0"},
                  {"X-Amz-Target", "DynamoDB_20120810." + std::string(operation)}},
      .body = std::move(body)};
  for (int failures = 0;; ++failures) {
    Attempt tried = attempt(request, deadline);
    if (tried.result || !tried.worth_retrying) return std::move(tried.result);
    const std::int64_t pause_ms = options_.backoff.delay_ms(failures, random_);
    if (failures + 1 >= options_.attempts_max || clock_.remaining_ms(deadline) <= pause_ms) {
      tried.result.error().message +=
          " (" + std::string(operation) + ", attempts: " + std::to_string(failures + 1) + ")";
      return std::move(tried.result);
    }
    clock_.sleep_ms(pause_ms);
  }
}

DynamoDb::Attempt DynamoDb::attempt(const Request& request, Deadline deadline) {
  // Signed anew each time: the signature holds the time.
  const Request ready = signed_request(request, options_.host_header, options_.credentials,
                                       {options_.region, "dynamodb"}, clock_.now_unix_ms());
  auto response = transport_->send(ready, std::min(deadline, clock_.after_ms(options_.attempt_ms)));
  if (!response) {
    // A certificate that is not accepted now will not be accepted in a second.
    const Error& error = response.error();
    const bool hopeless = error.fault == Fault::kConfiguration || error.type == "CertificateError";
    return {std::unexpected(error), !hopeless};
  }
  if (!checksum_matches(*response)) {
    return {
        failure(Fault::kProtocol, "ChecksumMismatch", "DynamoDB's answer was damaged on its way"),
        true};
  }
  if (response->status == 200) return {std::move(response->body), false};
  Error error = service_error(*response);
  const bool transient = response->status >= 500 || response->status == 429 ||
                         std::ranges::find(kTransient, error.type) != kTransient.end();
  return {std::unexpected(std::move(error)), transient};
}

std::string dynamodb_endpoint(const Environment& environment, std::string_view region) {
  std::string endpoint = environment.first_of({"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"});
  if (!endpoint.empty()) return endpoint;
  const std::string_view suffix = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return "https://dynamodb." + std::string(region) + "." + std::string(suffix);
}

Result<std::unique_ptr<DynamoDbApi>> dynamodb_from(const Environment& environment,
                                                   Connector& connector, Clock& clock,
                                                   Random& random) {
  std::string region = environment.first_of({"AWS_REGION", "AWS_DEFAULT_REGION"});
  if (region.empty()) {
    return failure(Fault::kConfiguration, "MissingRegion", "AWS_REGION is not set");
  }
  auto credentials = credentials_from(environment);
  if (!credentials) return std::unexpected(credentials.error());
  const std::string endpoint = dynamodb_endpoint(environment, region);
  auto url = parse_url(endpoint);
  if (!url) {
    return failure(Fault::kConfiguration, "InvalidEndpoint",
                   "the DynamoDB endpoint \"" + endpoint + "\": " + url.error().message);
  }
  DynamoDb::Options options{.region = std::move(region),
                            .host_header = url->origin.host_header(),
                            .credentials = std::move(*credentials),
                            .backoff = {}};
  auto transport = std::make_unique<HttpClient>(std::move(url->origin), connector);
  return std::make_unique<DynamoDb>(std::move(transport), std::move(options), clock, random);
}

}  // namespace sdk
