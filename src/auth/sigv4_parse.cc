#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "auth/canonical.h"
#include "auth/sigv2.h"
#include "auth/sigv4.h"
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

constexpr std::string_view kCredentialForm =
    "the Credential is mal-formed; expecting "
    "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
constexpr std::string_view kTooManyParameters = "The query string has too many parameters.";
constexpr std::string_view kSixParameters =
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
    "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";

constexpr std::size_t kTimestampBytes = 16;
constexpr std::size_t kHashBytes = 64;  // in hex

std::unexpected<SignatureError> fault(SignatureFailure failure, std::string message = {},
                                      std::string s3_message = {}, bool presigned = false) {
  return std::unexpected(
      SignatureError{failure, std::move(message), std::move(s3_message), presigned, {}});
}

// How S3 opens a complaint about the Credential.
std::string s3_about_credential(bool presigned, std::string_view what) {
  return fmt::format("{}; {}",
                     presigned ? "Error parsing the X-Amz-Credential parameter"
                               : "The authorization header is malformed",
                     what);
}

bool is_hash(std::string_view text) {
  return text.size() == kHashBytes && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool is_digits(std::string_view text, std::size_t size) {
  return text.size() == size &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A header's text is not shown back: it may hold a secret sent by mistake.
std::string hashed_for_display(std::string_view header) {
  return base::base64(base::sha256(header));
}

// `credential` and the texts given to the other take_...() without a keeper are kept already.
Checked take_credential(ParsedSignature& parsed, std::string_view credential) {
  const auto malformed = [&] {
    return fault(kBadCredential,
                 fmt::format("Credential must have exactly 5 slash-delimited elements, e.g. "
                             "keyid/date/region/service/term, got '{}'",
                             credential.substr(0, 200)),
                 s3_about_credential(parsed.presigned, kCredentialForm), parsed.presigned);
  };
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  for_each_part(credential, '/', [&](std::string_view part) {
    if (count < parts.size()) parts[count] = part;
    return ++count <= parts.size();
  });
  if (count != parts.size()) return malformed();
  if (parts[0].empty() || parts[2].empty() || parts[3].empty()) return malformed();
  if (parts[4] != "aws4_request")
    return fault(
        kWrongTerminator,
        fmt::format("Credential should be scoped with a valid terminator: 'aws4_request', not "
                    "'{}'.",
                    parts[4].substr(0, 100)),
        s3_about_credential(parsed.presigned,
                            fmt::format("incorrect terminator \"{}\". This endpoint uses "
                                        "\"aws4_request\".",
                                        parts[4].substr(0, 100))),
        parsed.presigned);
  parsed.access_key_id = parts[0];
  parsed.scope = credential.substr(parts[0].size() + 1);
  parsed.date = parts[1];
  parsed.region = parts[2];
  parsed.service = parts[3];
  return {};
}

// Sets timestamp and time from ISO-8601's basic form.
bool take_timestamp(ParsedSignature& parsed, TextKeeper& texts, std::string_view text) {
  const auto time = base::parse_amz_date(text);
  if (!time) return false;
  parsed.timestamp = texts.keep(text);
  parsed.time = *time;
  return true;
}

// S3 says this before anything else; to other services it is part of the scope, which is looked at
// after the time (sigv4.cc).
Checked check_scope_date(const ParsedSignature& parsed) {
  if (!parsed.is_s3()) return {};
  const std::string_view day = parsed.timestamp.substr(0, 8);
  if (is_digits(parsed.date, 8) && parsed.date == day) return {};
  return fault(kWrongScopeDate, {},
               s3_about_credential(
                   parsed.presigned,
                   fmt::format("Invalid credential date \"{}\". This date is not the same as "
                               "X-Amz-Date: \"{}\".",
                               parsed.date.substr(0, 100), day)),
               parsed.presigned);
}

Checked take_signed_headers(ParsedSignature& parsed, std::string_view list) {
  const auto bad = [&] {
    return fault(kIncomplete, "SignedHeaders must be a list of lower-case header names.", {},
                 parsed.presigned);
  };
  if (list.empty() || static_cast<std::size_t>(std::ranges::count(list, ';')) >= kSignedHeadersMax)
    return bad();
  // All of it, without an early end: so it is looked at many bytes at a time.
  const auto is_bad = [](std::string_view name) {
    bool found = false;
    for (const char c : name) found |= c <= ' ' || c == ':' || c == 0x7f || (c >= 'A' && c <= 'Z');
    return found;
  };
  bool all_names = true;
  if (is_bad(list))
    for_each_part(list, ';', [&](std::string_view name) {
      all_names = name == canonical::kAuthority || !is_bad(name);
      return all_names;
    });
  if (!all_names) return bad();
  parsed.signed_headers = list;
  return {};
}

Checked take_date_header(ParsedSignature& parsed, TextKeeper& texts, const SignedRequest& request) {
  if (const HeaderView* header = find_header(request.headers, "x-amz-date")) {
    if (take_timestamp(parsed, texts, header->value)) return {};
    return fault(kBadDate, fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                                       "http://en.wikipedia.org/wiki/ISO_8601",
                                       header->value.substr(0, 100)));
  }
  const HeaderView* header = find_header(request.headers, "date");
  if (header == nullptr)
    return fault(kMissingDate,
                 "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' "
                 "header.");
  const auto time = canonical::parse_date(header->value);
  if (!time)
    return fault(kBadDate, fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                                       "http://en.wikipedia.org/wiki/ISO_8601",
                                       header->value.substr(0, 100)));
  parsed.timestamp = texts.keep(base::amz_date(*time));
  parsed.time = *time;
  return {};
}

Checked take_payload_mode(ParsedSignature& parsed, TextKeeper& texts,
                          const SignedRequest& request) {
  parsed.payload = PayloadMode::kBodyHash;
  if (!parsed.is_s3()) return {};  // others sign the body that came, whatever a header says
  const HeaderView* header = find_header(request.headers, "x-amz-content-sha256");
  if (header == nullptr) {
    if (!parsed.presigned) return fault(kMissingContentSha256);
    parsed.payload = PayloadMode::kUnsigned;
    parsed.declared_payload = kUnsignedPayload;
    return {};
  }
  static constexpr std::array<std::pair<std::string_view, PayloadMode>, 4> kWords = {{
      {kUnsignedPayload, PayloadMode::kUnsigned},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PayloadMode::kSignedChunks},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PayloadMode::kSignedChunksTrailer},
      {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PayloadMode::kUnsignedChunksTrailer},
  }};
  for (const auto& [word, mode] : kWords) {
    if (header->value != word) continue;
    parsed.payload = mode;
    parsed.declared_payload = word;
    return {};
  }
  if (!is_hash(header->value)) return fault(kBadContentSha256, {}, {}, parsed.presigned);
  parsed.payload = PayloadMode::kDeclaredHash;
  parsed.declared_payload = texts.keep(header->value);
  return {};
}

struct HeaderParts {
  std::string_view credential, signed_headers, signature;
};

std::expected<HeaderParts, SignatureError> split_header(const SignedRequest& request,
                                                        std::string_view header) {
  HeaderParts parts;
  std::string_view rest = header;
  if (rest.starts_with(kSigV4Algorithm)) rest.remove_prefix(kSigV4Algorithm.size());
  while (true) {
    const auto is_between = [](char c) { return c == ',' || c == ' ' || c == '\t'; };
    while (!rest.empty() && is_between(rest.front())) rest.remove_prefix(1);
    if (rest.empty()) break;
    std::string_view token = rest.substr(0, rest.find(','));
    token = token.substr(0, token.find(' '));
    token = token.substr(0, token.find('\t'));
    rest.remove_prefix(token.size());
    const std::size_t equals = token.find('=');
    if (equals == std::string_view::npos)
      return fault(
          kIncomplete,
          fmt::format("Invalid key=value pair (missing equal-sign) in Authorization header "
                      "(hashed with SHA-256 and encoded with Base64): '{}'.",
                      hashed_for_display(header)));
    const std::string_view name = token.substr(0, equals);
    const std::string_view value = token.substr(equals + 1);
    if (name == "Credential") parts.credential = value;
    if (name == "SignedHeaders") parts.signed_headers = value;
    if (name == "Signature") parts.signature = value;
  }
  std::string missing;
  const auto want = [&](std::string_view value, std::string_view name) {
    if (value.empty())
      missing += fmt::format("Authorization header requires '{}' parameter. ", name);
  };
  want(parts.credential, "Credential");
  want(parts.signature, "Signature");
  want(parts.signed_headers, "SignedHeaders");
  if (missing.empty()) return parts;
  if (find_header(request.headers, "x-amz-date") == nullptr &&
      find_header(request.headers, "date") == nullptr)
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  return fault(kIncomplete, fmt::format("{}(Hashed with SHA-256 and encoded with Base64) "
                                        "Authorization={}",
                                        missing, hashed_for_display(header)));
}

Parsed parse_header_form(const SignedRequest& request, std::string_view header) {
  auto parts = split_header(request, header);
  std::string_view scheme = header.substr(0, header.find(' '));
  scheme = scheme.substr(0, scheme.find('\t'));
  if (scheme != kSigV4Algorithm) {
    std::string message =
        parts ? fmt::format("Unsupported AWS 'algorithm': '{}'.", scheme.substr(0, 50))
              : std::move(parts.error().message);
    return fault(kUnsupportedAlgorithm, std::move(message));
  }
  if (!parts) return std::unexpected(std::move(parts).error());

  const HeaderView* token = find_header(request.headers, "x-amz-security-token");
  const std::string_view token_text = token == nullptr ? std::string_view() : token->value;
  TextKeeper texts(header.size() + token_text.size() + kTimestampBytes + kHashBytes);
  ParsedSignature parsed;
  RETURN_IF_ERROR(take_credential(parsed, texts.keep(parts->credential)));
  RETURN_IF_ERROR(take_signed_headers(parsed, texts.keep(parts->signed_headers)));
  RETURN_IF_ERROR(take_date_header(parsed, texts, request));
  RETURN_IF_ERROR(check_scope_date(parsed));
  parsed.signature = texts.keep(parts->signature);
  parsed.session_token = texts.keep(token_text);
  RETURN_IF_ERROR(take_payload_mode(parsed, texts, request));
  parsed.memory = texts.take();
  return parsed;
}

struct QueryParts {
  std::string algorithm, credential, signature, date, signed_headers, expires, token;
  std::size_t count = 0;
  bool any = false;
  bool names_algorithm = false;
};

std::string* slot_of(QueryParts& parts, std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string QueryParts::*>, 7> kSlots = {{
      {"X-Amz-Algorithm", &QueryParts::algorithm},
      {"X-Amz-Credential", &QueryParts::credential},
      {"X-Amz-Signature", &QueryParts::signature},
      {"X-Amz-Date", &QueryParts::date},
      {"X-Amz-SignedHeaders", &QueryParts::signed_headers},
      {"X-Amz-Expires", &QueryParts::expires},
      {"X-Amz-Security-Token", &QueryParts::token},
  }};
  for (const auto& [known, slot] : kSlots)
    if (known == name) return &(parts.*slot);
  return nullptr;
}

QueryParts split_query(std::string_view query) {
  QueryParts parts;
  for_each_part(query, '&', [&](std::string_view part) {
    ++parts.count;
    if (!part.starts_with("X-Amz-")) return true;
    const std::size_t equals = part.find('=');
    std::string* slot = slot_of(parts, part.substr(0, equals));
    if (slot == nullptr || !slot->empty()) return true;
    // A bare "X-Amz-Algorithm" says already that the query is meant to be signed.
    parts.any = parts.any || slot == &parts.algorithm || slot == &parts.signature ||
                slot == &parts.credential;
    parts.names_algorithm = parts.names_algorithm || slot == &parts.algorithm;
    if (equals != std::string_view::npos) *slot = base::uri_decode(part.substr(equals + 1));
    return true;
  });
  return parts;
}

std::unexpected<SignatureError> bad_query(std::string message, std::string_view s3_message) {
  return fault(kBadQuery, std::move(message), std::string(s3_message), true);
}

std::unexpected<SignatureError> bad_query(std::string_view message) {
  return bad_query(std::string(message), message);
}

Checked check_query_is_whole(const QueryParts& parts, bool s3) {
  // What makes a query signed is the algorithm; the rest alone is nothing, except to S3.
  if (!s3 && !parts.names_algorithm) return fault(kMissingToken);
  std::string missing;
  const auto want = [&](const std::string& value, std::string_view name) {
    if (value.empty())
      missing += fmt::format("AWS query-string parameters must include '{}'. ", name);
  };
  want(parts.algorithm, "X-Amz-Algorithm");
  want(parts.credential, "X-Amz-Credential");
  want(parts.signature, "X-Amz-Signature");
  want(parts.signed_headers, "X-Amz-SignedHeaders");
  want(parts.date, "X-Amz-Date");
  if (s3) want(parts.expires, "X-Amz-Expires");
  if (!missing.empty())
    return bad_query(missing + "Re-examine the query-string parameters.", kSixParameters);
  if (parts.algorithm != kSigV4Algorithm)
    return bad_query(
        fmt::format("Unsupported AWS 'algorithm': '{}'.", parts.algorithm.substr(0, 50)),
        "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  return {};
}

Checked take_expires(ParsedSignature& parsed, std::string_view text) {
  if (text.empty()) {  // only S3 insists on it
    parsed.expires = std::chrono::seconds(kClockSkewMax);
    return {};
  }
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::string_view kNotNumber = "X-Amz-Expires should be a number";
  constexpr std::string_view kNegative = "X-Amz-Expires must be non-negative";
  constexpr std::string_view kTooLong =
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must "
      "be less than 604800 seconds";
  if (problem != std::errc() || end != text.data() + text.size())
    return bad_query(std::string(kNotNumber), kNotNumber);
  if (seconds < 0) return bad_query(std::string(kNegative), kNegative);
  if (seconds > kPresignedMax.count()) return bad_query(std::string(kTooLong), kTooLong);
  parsed.expires = std::chrono::seconds(seconds);
  return {};
}

Parsed parse_query_form(const SignedRequest& request, const QueryParts& parts) {
  ParsedSignature parsed;
  parsed.presigned = true;
  const bool s3 = parts.credential.find("/s3/") != std::string::npos;
  RETURN_IF_ERROR(check_query_is_whole(parts, s3));
  TextKeeper texts(parts.credential.size() + parts.signed_headers.size() + parts.signature.size() +
                   parts.token.size() + kTimestampBytes + kHashBytes);
  RETURN_IF_ERROR(take_credential(parsed, texts.keep(parts.credential)));
  RETURN_IF_ERROR(take_signed_headers(parsed, texts.keep(parts.signed_headers)));
  if (!take_timestamp(parsed, texts, parts.date))
    return bad_query(fmt::format("Date must be in ISO-8601 'basic format'. Got '{}'. See "
                                 "http://en.wikipedia.org/wiki/ISO_8601",
                                 parts.date.substr(0, 100)),
                     "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  RETURN_IF_ERROR(check_scope_date(parsed));
  RETURN_IF_ERROR(take_expires(parsed, parts.expires));
  parsed.signature = texts.keep(parts.signature);
  parsed.session_token = texts.keep(parts.token);
  RETURN_IF_ERROR(take_payload_mode(parsed, texts, request));
  parsed.memory = texts.take();
  return parsed;
}

// `header`: the Authorization header, if there is one.
Parsed parse_v4(const SignedRequest& request, const HeaderView* header) {
  if (request.query.empty()) {
    if (header == nullptr) return fault(kMissingToken);
    return parse_header_form(request, header->value);
  }
  const QueryParts parts = split_query(request.query);
  // Beyond the bound the canonical query would leave parameters out, unsigned.
  if (parts.count > kQueryParametersMax) return bad_query(kTooManyParameters);
  if (header != nullptr && parts.any) return fault(kTwoMechanisms);
  if (header != nullptr) return parse_header_form(request, header->value);
  if (!parts.any) return fault(kMissingToken);
  return parse_query_form(request, parts);
}

}  // namespace

bool has_signature(const SignedRequest& request) {
  if (find_header(request.headers, "authorization") != nullptr) return true;
  if (has_v2_query(request.query)) return true;
  return request.query.find("X-Amz-") != std::string_view::npos && split_query(request.query).any;
}

std::expected<ParsedSignature, SignatureError> parse_signature(const SignedRequest& request) {
  const HeaderView* header = find_header(request.headers, "authorization");
  const bool v2_query = has_v2_query(request.query);
  const bool v2_header = header != nullptr && is_v2_header(header->value);
  if (!v2_query && !v2_header) return parse_v4(request, header);
  const QueryParts parts = split_query(request.query);
  if (parts.any || (v2_query && header != nullptr)) return fault(kTwoMechanisms);
  if (parts.count > kQueryParametersMax) return bad_query(kTooManyParameters);
  return v2_query ? parse_v2_query(request) : parse_v2_header(request, header->value);
}

std::expected<ParsedSignature, SignatureError> parse_signature_v4(const SignedRequest& request) {
  return parse_v4(request, find_header(request.headers, "authorization"));
}

}  // namespace auth
