#pragma once

// What can be wrong with a request's signature, apart from how each protocol family words it.
// Verification finds a SignatureError before anyone need know which service is meant;
// to_api_error() then dresses it for that service. Plain values, thread-safe.

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/error.h"
#include "base/clock.h"

namespace auth {

// How a service's protocol names and numbers errors.
enum class ErrorFamily {
  kJson,      // JSON 1.0/1.1 and CBOR: names end in Exception, HTTP 400
  kQuery,     // IAM, STS, CloudFormation, CloudWatch's query protocol: bare names, HTTP 403
  kRestJson,  // Lambda: names end in Exception, HTTP 403
  kS3,        // names and texts of its own
};

enum class SignatureFailure {
  kMissingToken,          // no Authorization header, no query signature
  kUnsupportedAlgorithm,  // a header of another scheme, or another AWS4 algorithm
  kIncomplete,            // a part is missing or malformed
  kMissingDate,           // neither X-Amz-Date nor Date
  kBadDate,               // a date that cannot be read
  kBadCredential,         // Credential is not five parts
  kBadQuery,              // X-Amz-... query parameters missing or malformed
  kTwoMechanisms,         // both an Authorization header and a signed query
  kWrongRegion,
  kWrongService,
  kWrongTerminator,
  kWrongScopeDate,        // the scope's day is not the timestamp's
  kHeaderNotSigned,       // a header that has to be signed is not
  kMissingContentSha256,  // S3 wants x-amz-content-sha256
  kBadContentSha256,      // neither a hash nor one of the known words
  kExpired,               // the timestamp lies too far back
  kNotYetCurrent,         // the timestamp lies too far ahead
  kPresignedExpired,      // a presigned request after its Expires
  kUnknownKey,            // no such access key
  kInvalidToken,          // the session token is missing, unknown or of another key
  kExpiredToken,          // the session is over
  kMismatch,              // the signature is not the one we compute
  kPayloadMismatch,       // x-amz-content-sha256 is not the body's hash
  kChunkMismatch,         // a chunk of an aws-chunked body is signed wrongly
  kBadV2Header,           // Version 2: not "AWS KEY:SIGNATURE"
  kIncompleteV2Query,     // Version 2: not all of AWSAccessKeyId, Expires and Signature
  kBadV2Expires,          // Version 2: Expires is no time
};

// What S3's answer holds beside code and message: element and text.
using ErrorMembers = std::vector<std::pair<std::string, std::string>>;

struct SignatureError {
  SignatureFailure failure = SignatureFailure::kMismatch;
  // What JSON, Query and REST-JSON services say; empty: the table's text for the failure.
  std::string message = {};
  // What S3 says; empty: the table's text for the failure.
  std::string s3_message = {};
  bool presigned = false;  // S3 names faults of a presigned request differently
  ErrorMembers s3_members = {};
};

// The members of S3's SignatureDoesNotMatch and RequestTimeTooSkewed. What is not UTF-8 is left
// out.
ErrorMembers mismatch_members(std::string_view access_key_id, std::string_view string_to_sign,
                              std::string_view signature, std::string_view canonical_request = {});
ErrorMembers skew_members(std::string_view request_time, base::Timestamp now,
                          std::chrono::minutes skew_max);

// One table from failure and family to code, status and text.
api::Error to_api_error(const SignatureError& error, ErrorFamily family);

}  // namespace auth
