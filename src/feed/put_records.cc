#include "feed/put_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <numeric>

#include "base/encoding.h"

namespace feed {
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

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* const found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return std::string_view(found->get_string());
}

std::vector<std::size_t> all_of(std::size_t records) {
  std::vector<std::size_t> indexes(records);
  std::iota(indexes.begin(), indexes.end(), 0U);
  return indexes;
}

Verdict judge_refusal(int status, const json::object* answer, std::size_t records) {
  std::string_view code = answer == nullptr ? std::string_view() : text_of(*answer, "__type");
  code = code.substr(code.find('#') == std::string_view::npos ? 0 : code.find('#') + 1);
  std::string_view words;
  if (answer != nullptr)
    words = answer->contains("message") ? text_of(*answer, "message") : text_of(*answer, "Message");
  Verdict verdict;
  verdict.reason = fmt::format("HTTP {}{}{}{}{}", status, code.empty() ? "" : " ", code,
                               words.empty() ? "" : ": ", words);
  const bool passing = status >= 500 || status == 429 || status == 408 ||
                       std::ranges::find(kPassing, code) != kPassing.end();
  verdict.what = passing ? Verdict::What::kRetry : Verdict::What::kFatal;
  if (passing) verdict.again = all_of(records);
  return verdict;
}

}  // namespace

std::string put_records_body(std::string_view stream, const std::vector<Record>& records) {
  std::size_t bytes = 256;
  for (const Record& record : records) bytes += record.bytes() * 4 / 3 + 64;
  std::string body;
  body.reserve(bytes);
  body += R"({"StreamName":)" + json::serialize(json::string_view(stream)) + R"(,"Records":[)";
  for (const Record& record : records) {
    if (!body.ends_with('[')) body += ',';
    body += R"({"Data":")";
    base::append_base64(body, record.data);
    body += R"(","PartitionKey":)" + json::serialize(json::string_view(record.partition_key)) + "}";
  }
  body += "]}";
  return body;
}

Verdict judge(int status, std::string_view body, std::size_t records) {
  json::error_code failed;
  const json::value parsed = json::parse(json::string_view(body), failed);
  const json::object* const answer = failed ? nullptr : parsed.if_object();
  if (status != 200) return judge_refusal(status, answer, records);
  const json::value* const list = answer == nullptr ? nullptr : answer->if_contains("Records");
  // An answer that cannot be understood says nothing about what was taken.
  if (list == nullptr || !list->is_array() || list->get_array().size() != records)
    return {Verdict::What::kRetry, all_of(records), "an answer that is not PutRecords'"};
  Verdict verdict;
  for (std::size_t i = 0; i < records; ++i) {
    const json::object* const entry = list->get_array()[i].if_object();
    const std::string_view code = entry == nullptr ? "no answer" : text_of(*entry, "ErrorCode");
    if (code.empty()) continue;
    verdict.what = Verdict::What::kRetry;
    verdict.again.push_back(i);
    if (verdict.reason.empty()) verdict.reason = code;
  }
  return verdict;
}

milliseconds retry_delay(unsigned attempt, base::Random& random) {
  const unsigned doublings = std::min(attempt == 0 ? 0U : attempt - 1, 10U);
  const auto longest = std::min(kFirstDelay * (1U << doublings), kDelayMax);
  const auto half = longest / 2;
  return half + milliseconds(random.below(static_cast<std::uint64_t>(half.count()) + 1));
}

}  // namespace feed
