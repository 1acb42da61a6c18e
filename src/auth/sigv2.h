#pragma once

// Signature Version 2 as S3 has it, the server's half: in the Authorization header ("AWS
// KEY:SIGNATURE") or in the query (AWSAccessKeyId, Expires, Signature). S3 is the one service that
// takes it. Pure functions, thread-safe; sigv4.h's parse_signature() and SignatureVerifier call
// them, so callers need not.
//
// It covers less than Version 4: neither the host, nor the body, nor query parameters other than
// sub-resources. docs/security.md says what that means.

#include <expected>
#include <string_view>

#include "auth/sigv4.h"

namespace auth {

// Any of it, right or wrong.
bool has_v2_query(std::string_view query);
bool is_v2_header(std::string_view authorization);

std::expected<ParsedSignature, SignatureError> parse_v2_header(const SignedRequest& request,
                                                               std::string_view authorization);
std::expected<ParsedSignature, SignatureError> parse_v2_query(const SignedRequest& request);

// The time first, then the signature, in constant time.
std::expected<void, SignatureError> verify_v2(const ParsedSignature& parsed,
                                              const SignedRequest& request, std::string_view secret,
                                              base::Timestamp now);

// Whether the signature covers a query parameter of this (unescaped) name. An operation that is
// chosen by one that it does not cover must not be served to it.
bool v2_covers_parameter(std::string_view name);

}  // namespace auth
