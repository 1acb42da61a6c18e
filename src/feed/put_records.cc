#include "feed/put_records.h"

#include <boost/json.hpp>
#include <numeric>

#include "base/encoding.h"
#include "client/failure.h"

namespace feed {
namespace {

namespace json = boost::json;
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

Verdict judge_refusal(int status, std::string_view body, std::size_t records) {
  const client::Failure failure = client::read_refusal(status, body);
  Verdict verdict{.reason = client::to_string(failure)};
  verdict.what = failure.passing ? Verdict::What::kRetry : Verdict::What::kFatal;
  if (failure.passing) verdict.again = all_of(records);
  else verdict.code = failure.code;
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
  if (status != 200) return judge_refusal(status, body, records);
  json::error_code failed;
  const json::value parsed = json::parse(json::string_view(body), failed);
  const json::object* const answer = failed ? nullptr : parsed.if_object();
  const json::value* const list = answer == nullptr ? nullptr : answer->if_contains("Records");
  // An answer that cannot be understood says nothing about what was taken.
  if (list == nullptr || !list->is_array() || list->get_array().size() != records)
    return {.what = Verdict::What::kRetry,
            .again = all_of(records),
            .reason = "an answer that is not PutRecords'"};
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

}  // namespace feed
