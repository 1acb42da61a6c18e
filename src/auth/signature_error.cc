#include "auth/signature_error.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace auth {
namespace {

using enum SignatureFailure;

// JSON services add "Exception" to `code`; Query services use it bare; `query_code` where the two
// name a failure differently.
struct Row {
  SignatureFailure failure;
  std::string_view code;
  std::string_view query_code;
  std::string_view text;
  std::string_view s3_code;
  int s3_status;
  std::string_view s3_text;
};

constexpr std::string_view kMismatchText =
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details.";
constexpr std::string_view kS3MismatchText =
    "The request signature we calculated does not match the signature you provided. Check your "
    "key and signing method.";
constexpr std::string_view kInvalidTokenText =
    "The security token included in the request is invalid.";
constexpr std::string_view kHeaderMalformed = "AuthorizationHeaderMalformed";
constexpr std::string_view kQueryMalformed = "AuthorizationQueryParametersError";
constexpr std::string_view kThreeComponents =
    "The authorization header is malformed; the authorization header requires three components: "
    "Credential, SignedHeaders, and Signature.";
constexpr std::string_view kS3Date =
    "AWS authentication requires a valid Date or x-amz-date header";

constexpr std::array kTable = std::to_array<Row>({
    {kMissingToken, "MissingAuthenticationToken", "", "Missing Authentication Token",
     "AccessDenied", 403, "Access Denied"},
    {kUnsupportedAlgorithm, "IncompleteSignature", "",
     "Authorization header requires 'Credential' parameter.", "InvalidArgument", 400,
     "Unsupported Authorization Type"},
    {kIncomplete, "IncompleteSignature", "", "", kHeaderMalformed, 400, kThreeComponents},
    {kMissingDate, "IncompleteSignature", "", "", "AccessDenied", 403, kS3Date},
    {kBadDate, "IncompleteSignature", "", "", "AccessDenied", 403, kS3Date},
    {kBadCredential, "IncompleteSignature", "", "", kHeaderMalformed, 400, ""},
    {kBadQuery, "IncompleteSignature", "", "", kQueryMalformed, 400, ""},
    {kTwoMechanisms, "InvalidSignature", "",
     "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
     "InvalidArgument", 400,
     "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
     "string parameter or the Authorization header should be specified"},
    {kWrongRegion, "InvalidSignature", "SignatureDoesNotMatch", "", kHeaderMalformed, 400, ""},
    {kWrongService, "InvalidSignature", "SignatureDoesNotMatch", "", kHeaderMalformed, 400, ""},
    {kWrongTerminator, "InvalidSignature", "SignatureDoesNotMatch", "", kHeaderMalformed, 400, ""},
    {kWrongScopeDate, "InvalidSignature", "SignatureDoesNotMatch", "", kHeaderMalformed, 400, ""},
    {kHeaderNotSigned, "InvalidSignature", "SignatureDoesNotMatch", "", "AccessDenied", 403,
     "There were headers present in the request which were not signed"},
    {kMissingContentSha256, "IncompleteSignature", "", "", "InvalidRequest", 400,
     "Missing required header for this request: x-amz-content-sha256"},
    {kBadContentSha256, "IncompleteSignature", "", "", "InvalidArgument", 400,
     "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
     "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid "
     "sha256 value."},
    {kExpired, "InvalidSignature", "SignatureDoesNotMatch", "", "RequestTimeTooSkewed", 403,
     "The difference between the request time and the current time is too large."},
    {kNotYetCurrent, "InvalidSignature", "SignatureDoesNotMatch", "", "RequestTimeTooSkewed", 403,
     "The difference between the request time and the current time is too large."},
    {kPresignedExpired, "InvalidSignature", "SignatureDoesNotMatch", "", "AccessDenied", 403,
     "Request has expired"},
    {kUnknownKey, "UnrecognizedClient", "InvalidClientTokenId", kInvalidTokenText,
     "InvalidAccessKeyId", 403,
     "The AWS Access Key Id you provided does not exist in our records."},
    {kInvalidToken, "UnrecognizedClient", "InvalidClientTokenId", kInvalidTokenText, "InvalidToken",
     400, "The provided token is malformed or otherwise invalid."},
    {kExpiredToken, "ExpiredToken", "", "The security token included in the request is expired",
     "ExpiredToken", 400, "The provided token has expired."},
    {kMismatch, "InvalidSignature", "SignatureDoesNotMatch", kMismatchText, "SignatureDoesNotMatch",
     403, kS3MismatchText},
    {kPayloadMismatch, "InvalidSignature", "SignatureDoesNotMatch", kMismatchText,
     "XAmzContentSHA256Mismatch", 400,
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
    {kChunkMismatch, "InvalidSignature", "SignatureDoesNotMatch", kMismatchText,
     "SignatureDoesNotMatch", 403, kS3MismatchText},
    {kBadV2Header, "IncompleteSignature", "", "", "InvalidArgument", 400,
     "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"},
    {kIncompleteV2Query, "IncompleteSignature", "", "", "AccessDenied", 403,
     "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"},
    {kBadV2Expires, "IncompleteSignature", "", "", "AccessDenied", 403,
     "Invalid date (should be seconds since epoch)"},
});

const Row& row_of(SignatureFailure failure) {
  for (const Row& row : kTable)
    if (row.failure == failure) return row;
  CHECK(false && "every failure has a row");
  return kTable.front();
}

api::Error make(std::string_view code, int status, std::string_view text) {
  return {.code = std::string(code), .status = status, .message = std::string(text)};
}

api::Error s3_error(const SignatureError& error, const Row& row) {
  const bool in_query = error.presigned && row.s3_code == kHeaderMalformed;
  api::Error shown =
      make(in_query ? kQueryMalformed : row.s3_code, row.s3_status,
           error.s3_message.empty() ? row.s3_text : std::string_view(error.s3_message));
  shown.members = error.s3_members;
  return shown;
}

// Byte by byte in hex, as S3 shows what it signed.
std::string spaced_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 3);
  for (const char c : bytes)
    fmt::format_to(std::back_inserter(out), "{}{:02x}", out.empty() ? "" : " ",
                   static_cast<unsigned char>(c));
  return out;
}

}  // namespace

ErrorMembers mismatch_members(std::string_view access_key_id, std::string_view string_to_sign,
                              std::string_view signature, std::string_view canonical_request) {
  ErrorMembers members;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (base::is_valid_utf8(value)) members.emplace_back(name, value);
  };
  add("AWSAccessKeyId", access_key_id);
  add("StringToSign", string_to_sign);
  add("SignatureProvided", signature);
  members.emplace_back("StringToSignBytes", spaced_hex(string_to_sign));
  if (canonical_request.empty()) return members;
  add("CanonicalRequest", canonical_request);
  members.emplace_back("CanonicalRequestBytes", spaced_hex(canonical_request));
  return members;
}

ErrorMembers skew_members(std::string_view request_time, base::Timestamp now,
                          std::chrono::minutes skew_max) {
  ErrorMembers members;
  if (base::is_valid_utf8(request_time)) members.emplace_back("RequestTime", request_time);
  members.emplace_back("ServerTime", base::iso8601(now));
  members.emplace_back("MaxAllowedSkewMilliseconds",
                       std::to_string(std::chrono::milliseconds(skew_max).count()));
  return members;
}

api::Error to_api_error(const SignatureError& error, ErrorFamily family) {
  const Row& row = row_of(error.failure);
  if (family == ErrorFamily::kS3) return s3_error(error, row);

  std::string_view text = error.message.empty() ? row.text : std::string_view(error.message);
  if (text.empty()) text = kMismatchText;
  if (family == ErrorFamily::kQuery) {
    if (error.failure == kMissingToken) text = "Request is missing Authentication Token";
    return make(row.query_code.empty() ? row.code : row.query_code, 403, text);
  }
  api::Error shown = make(row.code, family == ErrorFamily::kJson ? 400 : 403, text);
  shown.code += "Exception";
  return shown;
}

}  // namespace auth
