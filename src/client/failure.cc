#include "client/failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace client {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{50};
constexpr milliseconds kDelayMax{5'000};

// Codes that say "later" with a status of 400.
constexpr std::array<std::string_view, 9> kPassing = {
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "ThrottlingException",
    "Throttling",
    "KMSThrottlingException",
    "RequestLimitExceeded",
    "InternalFailure",
    "ServiceUnavailable",
    "RequestTimeout",
};

// Codes that say that the key or its signature is not the server's.
constexpr std::array<std::string_view, 6> kBadKey = {
    "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId",
    "SignatureDoesNotMatch",       "ExpiredTokenException",     "IncompleteSignatureException",
};

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* const found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return std::string_view(found->get_string());
}

}  // namespace

Failure read_refusal(int status, std::string_view body) {
  json::error_code failed;
  const json::value parsed = json::parse(json::string_view(body), failed);
  const json::object* const answer = failed ? nullptr : parsed.if_object();
  Failure failure{.status = status};
  if (answer != nullptr) {
    const std::string_view code = text_of(*answer, "__type");
    failure.code = code.substr(code.find('#') == std::string_view::npos ? 0 : code.find('#') + 1);
    failure.message = text_of(*answer, answer->contains("message") ? "message" : "Message");
  }
  failure.passing = status >= 500 || status == 429 || status == 408 ||
                    std::ranges::find(kPassing, failure.code) != kPassing.end();
  return failure;
}

Failure not_answered(const base::Error& error) {
  return {.message = error.message,
          .passing = error.code != base::ErrorCode::kInvalidArgument,
          .unreachable = error.code == base::ErrorCode::kUnavailable};
}

std::string to_string(const Failure& failure) {
  if (failure.status == 0) return failure.message;
  return fmt::format("HTTP {}{}{}{}{}", failure.status, failure.code.empty() ? "" : " ",
                     failure.code, failure.message.empty() ? "" : ": ", failure.message);
}

std::string advice(const Failure& failure, const Target& target) {
  if (failure.unreachable)
    return fmt::format(
        "Is a server running at {}? Start one with: millrace serve --data-dir DIR\nAnother "
        "endpoint: --endpoint URL or AWS_ENDPOINT_URL; for a Millrace that runs: eval \"$(millrace "
        "env --data-dir DIR)\"",
        target.endpoint);
  if (failure.code == "ResourceNotFoundException")
    return fmt::format("What there is in {}: millrace stream list (--region for another region)",
                       target.region);
  if (std::ranges::find(kBadKey, failure.code) != kBadKey.end())
    return fmt::format(
        "{} does not know this key, or not this secret. For Millrace: eval \"$(millrace env "
        "--data-dir DIR)\"",
        target.endpoint);
  if (failure.code == "AccessDeniedException")
    return fmt::format("The policies of key {} have to allow it.",
                       target.credentials.access_key_id);
  return {};
}

milliseconds retry_delay(unsigned attempt, base::Random& random) {
  const unsigned doublings = std::min(attempt == 0 ? 0U : attempt - 1, 10U);
  const auto longest = std::min(kFirstDelay * (1U << doublings), kDelayMax);
  const auto half = longest / 2;
  return half + milliseconds(random.below(static_cast<std::uint64_t>(half.count()) + 1));
}

}  // namespace client
