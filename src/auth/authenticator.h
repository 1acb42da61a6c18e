#pragma once

// Authenticator: from a raw request to who sent it. Reads the signature, finds the key, checks the
// session's end, verifies. Thread-safe; the server owns one. Its sources must outlive it.

#include <expected>
#include <memory>

#include "auth/ports.h"
#include "auth/sigv4.h"
#include "base/clock.h"

namespace auth {

struct Authenticated {
  std::shared_ptr<const Credential> credential;  // never null
  ParsedSignature signature;

  const Principal& principal() const { return credential->principal; }
};

class Authenticator {
 public:
  Authenticator(const CredentialSource& credentials, const base::Clock& clock)
      : credentials_(credentials), clock_(clock) {}

  // A request without any signature fails with kMissingToken; whoever serves anonymous requests
  // (S3) asks has_signature() first. `expected` is the scope that the endpoint wants.
  std::expected<Authenticated, SignatureError> authenticate(const SignedRequest& request,
                                                            const ExpectedScope& expected = {});
  // The same for a signature that was parsed before, say to choose the service by its scope.
  std::expected<Authenticated, SignatureError> authenticate(ParsedSignature&& parsed,
                                                            const SignedRequest& request,
                                                            const ExpectedScope& expected = {});

  // For bodies in signed chunks (PayloadMode::kSignedChunks...).
  ChunkVerifier chunks(const Authenticated& who);

 private:
  const CredentialSource& credentials_;
  const base::Clock& clock_;
  SignatureVerifier verifier_;
};

}  // namespace auth
