#include "auth/authenticator.h"

#include <utility>

#include "base/encoding.h"
#include "base/result.h"

namespace auth {
namespace {

SignatureError failure_of(CredentialFailure failure, const ParsedSignature& parsed) {
  const auto kind = failure == CredentialFailure::kUnknownKey ? SignatureFailure::kUnknownKey
                                                              : SignatureFailure::kInvalidToken;
  ErrorMembers members;
  if (failure == CredentialFailure::kUnknownKey && base::is_valid_utf8(parsed.access_key_id))
    members.emplace_back("AWSAccessKeyId", parsed.access_key_id);
  return {.failure = kind, .presigned = parsed.presigned, .s3_members = std::move(members)};
}

}  // namespace

std::expected<Authenticated, SignatureError> Authenticator::authenticate(
    const SignedRequest& request, const ExpectedScope& expected) {
  auto parsed = parse_signature(request);
  if (!parsed) return std::unexpected(std::move(parsed).error());
  return authenticate(*std::move(parsed), request, expected);
}

std::expected<Authenticated, SignatureError> Authenticator::authenticate(
    ParsedSignature&& parsed, const SignedRequest& request, const ExpectedScope& expected) {
  auto found = credentials_.find(parsed.access_key_id, parsed.session_token);
  const base::Timestamp now = clock_.now();
  if (!found) {
    // Services other than S3 say what is wrong with time and scope before they look for the key.
    if (parsed.version == SignatureVersion::kV4 && !parsed.is_s3())
      RETURN_IF_ERROR(SignatureVerifier::check_front(parsed, now, expected));
    return std::unexpected(failure_of(found.error(), parsed));
  }
  const Credential& credential = **found;
  auto verified = verifier_.verify(parsed, request, credential.secret_key, now, expected);
  if (!verified) return std::unexpected(std::move(verified).error());
  // After the signature, so that only the key's holder learns that the session is over.
  if (credential.expires && *credential.expires <= now)
    return std::unexpected(
        SignatureError{.failure = SignatureFailure::kExpiredToken, .presigned = parsed.presigned});
  return Authenticated{*std::move(found), std::move(parsed)};
}

ChunkVerifier Authenticator::chunks(const Authenticated& who) {
  return verifier_.chunks(who.signature, who.credential->secret_key);
}

}  // namespace auth
