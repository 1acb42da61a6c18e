#include "auth/sigv2.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "auth/canonical.h"
#include "base/ascii.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/time_text.h"

namespace auth {
namespace {

using canonical::find_header;
using canonical::for_each_part;
using canonical::TextKeeper;
using enum SignatureFailure;
using Parsed = std::expected<ParsedSignature, SignatureError>;
using Checked = std::expected<void, SignatureError>;

constexpr std::string_view kScheme = "AWS";
constexpr std::string_view kAmzPrefix = "x-amz-";
constexpr std::string_view kUnsignedChunks = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
constexpr std::size_t kHashBytes = 64;                 // in hex
constexpr std::int64_t kExpiresMax = 253'402'300'799;  // the end of the year 9999

constexpr std::string_view kControlText = "The query string holds control characters.";

// Sub-resources and overrides, sorted.
constexpr std::array kCovered = std::to_array<std::string_view>({
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
});
static_assert(std::ranges::is_sorted(kCovered));

std::unexpected<SignatureError> fault(SignatureFailure failure, bool presigned,
                                      std::string_view s3_message = {}, ErrorMembers members = {}) {
  return std::unexpected(SignatureError{.failure = failure,
                                        .message = {},
                                        .s3_message = std::string(s3_message),
                                        .presigned = presigned,
                                        .s3_members = std::move(members)});
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// Visits each query parameter: its unescaped name, its value as sent, whether there is a "=".
template <class Visit>
void for_each_parameter(std::string_view query, Visit&& visit) {
  if (query.empty()) return;
  for_each_part(query, '&', [&](std::string_view part) {
    const std::size_t equals = part.find('=');
    const bool has_value = equals != std::string_view::npos;
    visit(base::uri_decode(part.substr(0, equals)),
          has_value ? part.substr(equals + 1) : std::string_view(), has_value);
    return true;
  });
}

std::string parameter(std::string_view query, std::string_view wanted) {
  std::string found;
  for_each_parameter(query, [&](const std::string& name, std::string_view value, bool) {
    if (found.empty() && name == wanted) found = base::uri_decode(value);
  });
  return found;
}

// Decoded control characters would let one value pass for several lines of what is signed.
bool holds_control_characters(std::string_view query) {
  bool found = false;
  for_each_parameter(query, [&](const std::string& name, std::string_view value, bool) {
    found = found || std::ranges::any_of(name + base::uri_decode(value), [](char c) {
              return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
            });
  });
  return found;
}

// A header that a presigned URL may carry as a parameter instead.
std::string header_or_parameter(const ParsedSignature& parsed, const SignedRequest& request,
                                std::string_view wanted) {
  if (const HeaderView* header = find_header(request.headers, wanted))
    return std::string(header->value);
  std::string found;
  if (!parsed.presigned) return found;
  for_each_parameter(request.query, [&](const std::string& name, std::string_view value, bool) {
    if (found.empty() && base::equal_ignoring_case(name, wanted)) found = base::uri_decode(value);
  });
  return found;
}

Checked take_payload_mode(ParsedSignature& parsed, TextKeeper& texts,
                          const SignedRequest& request) {
  parsed.payload = PayloadMode::kUnsigned;
  parsed.declared_payload = kUnsignedPayload;
  const HeaderView* header = find_header(request.headers, "x-amz-content-sha256");
  if (header == nullptr || header->value == kUnsignedPayload) return {};
  if (header->value == kUnsignedChunks) {
    parsed.declared_payload = kUnsignedChunks;
    parsed.payload = PayloadMode::kUnsignedChunksTrailer;
    return {};
  }
  const bool is_hash =
      header->value.size() == kHashBytes && std::ranges::all_of(header->value, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      });
  if (!is_hash) return fault(kBadContentSha256, parsed.presigned);
  parsed.payload = PayloadMode::kDeclaredHash;
  parsed.declared_payload = texts.keep(header->value);
  return {};
}

// Version 2 has no scope; what follows from a scope elsewhere is S3's here.
ParsedSignature blank(bool presigned) {
  ParsedSignature parsed;
  parsed.version = SignatureVersion::kV2;
  parsed.service = "s3";
  parsed.presigned = presigned;
  return parsed;
}

void append_amz_headers(std::string& out, const ParsedSignature& parsed,
                        const SignedRequest& request) {
  std::map<std::string, std::string> headers;
  const auto add = [&](std::string_view name, std::string_view value) {
    std::string key = lower(name);
    if (!key.starts_with(kAmzPrefix)) return;
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    auto [at, fresh] = headers.try_emplace(std::move(key), value);
    if (!fresh) at->second.append(",").append(value);
  };
  for (const HeaderView& header : request.headers) add(header.name, header.value);
  if (parsed.presigned)
    for_each_parameter(request.query, [&](const std::string& name, std::string_view value, bool) {
      add(name, base::uri_decode(value));
    });
  for (const auto& [name, value] : headers) out.append(name).append(":").append(value).append("\n");
}

// Clients differ in whether "?acl=" is "acl=" or "acl", and "/bucket" is "/bucket/".
struct Reading {
  bool empty_values = true;    // "acl="
  bool closed_bucket = false;  // "/bucket/"
};
constexpr std::array<Reading, 4> kReadings = {
    {{true, false}, {true, true}, {false, false}, {false, true}}};

void append_resource(std::string& out, const SignedRequest& request, Reading reading) {
  if (!request.host_bucket.empty()) out.append("/").append(request.host_bucket);
  out.append(request.path.empty() ? std::string_view("/") : request.path);
  if (reading.closed_bucket && request.host_bucket.empty() && request.path.rfind('/') == 0 &&
      request.path.size() > 1)
    out += '/';
  std::vector<std::pair<std::string, std::string>> kept;
  for_each_parameter(request.query, [&](std::string name, std::string_view value, bool has_value) {
    if (!v2_covers_parameter(name)) return;
    const bool equals = has_value && (!value.empty() || reading.empty_values);
    kept.emplace_back(std::move(name), equals ? "=" + base::uri_decode(value) : std::string());
  });
  std::ranges::sort(kept);
  char separator = '?';
  for (const auto& [name, value] : kept) {
    out.append(1, std::exchange(separator, '&')).append(name).append(value);
  }
}

std::string string_to_sign(const ParsedSignature& parsed, const SignedRequest& request,
                           Reading reading) {
  std::string_view date = parsed.timestamp;  // presigned: Expires as sent
  if (!parsed.presigned) {
    const bool amz_date = find_header(request.headers, "x-amz-date") != nullptr;
    const HeaderView* header = find_header(request.headers, "date");
    date = amz_date || header == nullptr ? std::string_view() : header->value;
  }
  std::string text = fmt::format("{}\n{}\n{}\n{}\n", request.method,
                                 header_or_parameter(parsed, request, "content-md5"),
                                 header_or_parameter(parsed, request, "content-type"), date);
  append_amz_headers(text, parsed, request);
  append_resource(text, request, reading);
  return text;
}

Checked check_time(const ParsedSignature& parsed, base::Timestamp now) {
  if (parsed.presigned) {
    if (now <= parsed.time) return {};
    return fault(kPresignedExpired, true, {},
                 {{"Expires", base::iso8601(parsed.time)}, {"ServerTime", base::iso8601(now)}});
  }
  if (parsed.time >= now - kS3ClockSkewMax && parsed.time <= now + kS3ClockSkewMax) return {};
  return fault(parsed.time < now ? kExpired : kNotYetCurrent, false, {},
               skew_members(parsed.timestamp, now, kS3ClockSkewMax));
}

}  // namespace

bool has_v2_query(std::string_view query) {
  bool found = false;
  for_each_parameter(query, [&](const std::string& name, std::string_view, bool) {
    found = found || name == "AWSAccessKeyId" || name == "Signature";
  });
  return found;
}

bool is_v2_header(std::string_view authorization) {
  return authorization == kScheme ||
         (authorization.starts_with(kScheme) && authorization.substr(kScheme.size(), 1) == " ");
}

Parsed parse_v2_header(const SignedRequest& request, std::string_view authorization) {
  ParsedSignature parsed = blank(false);
  std::string_view rest = authorization;
  rest.remove_prefix(std::min(rest.size(), kScheme.size() + 1));
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos || colon == 0 || rest.find(' ') != std::string_view::npos)
    return fault(kBadV2Header, false);
  const HeaderView* date = find_header(request.headers, "x-amz-date");
  if (date == nullptr) date = find_header(request.headers, "date");
  if (date == nullptr) return fault(kMissingDate, false);
  const auto time = canonical::parse_date(date->value);
  if (!time) return fault(kBadDate, false);
  const HeaderView* token = find_header(request.headers, "x-amz-security-token");
  const std::string_view token_text = token == nullptr ? std::string_view() : token->value;
  TextKeeper texts(rest.size() + date->value.size() + token_text.size() + kHashBytes);
  parsed.access_key_id = texts.keep(rest.substr(0, colon));
  parsed.signature = texts.keep(rest.substr(colon + 1));
  parsed.time = *time;
  parsed.timestamp = texts.keep(date->value);
  parsed.session_token = texts.keep(token_text);
  RETURN_IF_ERROR(take_payload_mode(parsed, texts, request));
  parsed.memory = texts.take();
  return parsed;
}

Parsed parse_v2_query(const SignedRequest& request) {
  ParsedSignature parsed = blank(true);
  const std::string key = parameter(request.query, "AWSAccessKeyId");
  const std::string signature = parameter(request.query, "Signature");
  const std::string expires = parameter(request.query, "Expires");
  if (key.empty() || signature.empty() || expires.empty()) return fault(kIncompleteV2Query, true);
  if (holds_control_characters(request.query)) return fault(kBadQuery, true, kControlText);
  std::int64_t seconds = 0;
  const char* const end = expires.data() + expires.size();
  const auto [at, problem] = std::from_chars(expires.data(), end, seconds);
  if (problem != std::errc() || at != end || seconds < 0 || seconds > kExpiresMax)
    return fault(kBadV2Expires, true,
                 fmt::format("Invalid date (should be seconds since epoch): {}",
                             base::is_valid_utf8(expires) ? std::string_view(expires).substr(0, 100)
                                                          : std::string_view()));
  parsed.time = base::Timestamp(std::chrono::seconds(seconds));
  const std::string token = header_or_parameter(parsed, request, "x-amz-security-token");
  TextKeeper texts(key.size() + signature.size() + expires.size() + token.size() + kHashBytes);
  parsed.access_key_id = texts.keep(key);
  parsed.signature = texts.keep(signature);
  parsed.timestamp = texts.keep(expires);
  parsed.session_token = texts.keep(token);
  RETURN_IF_ERROR(take_payload_mode(parsed, texts, request));
  parsed.memory = texts.take();
  return parsed;
}

Checked verify_v2(const ParsedSignature& parsed, const SignedRequest& request,
                  std::string_view secret, base::Timestamp now) {
  RETURN_IF_ERROR(check_time(parsed, now));
  const auto matches = [&](std::string_view text) {
    return base::equal_in_constant_time(base::base64(base::hmac_sha1(secret, text)),
                                        parsed.signature);
  };
  for (const Reading reading : kReadings)
    if (matches(string_to_sign(parsed, request, reading))) return {};
  return fault(
      kMismatch, parsed.presigned, {},
      mismatch_members(parsed.access_key_id, string_to_sign(parsed, request, kReadings.front()),
                       parsed.signature));
}

bool v2_covers_parameter(std::string_view name) {
  return std::ranges::binary_search(kCovered, name);
}

}  // namespace auth
