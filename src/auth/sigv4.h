#pragma once

// Signatures, the server's half: reads the signature out of a request (Authorization header or
// presigned query) and recomputes it. Version 4, and for S3 Version 2 (auth/sigv2.h).
// SignatureVerifier is thread-safe and keeps derived signing keys in a bounded cache; nothing
// survives a crash. The client's half is in auth/signer.h.
//
// A request is seen as it came over the wire: raw path, raw query, headers in order. Views must
// outlive the call, not the result.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/signature_error.h"
#include "base/clock.h"
#include "base/digest.h"

namespace auth {

inline constexpr std::string_view kSigV4Algorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::chrono::minutes kClockSkewMax{5};
inline constexpr std::chrono::minutes kS3ClockSkewMax{15};
inline constexpr std::chrono::seconds kPresignedMax{604'800};  // a week
inline constexpr std::size_t kSignedHeadersMax = 128;
inline constexpr std::size_t kQueryParametersMax = 1'000;
inline constexpr std::size_t kSigningKeySlots = 1'024;

struct HeaderView {
  std::string_view name;  // any case
  std::string_view value;
};

struct SignedRequest {
  std::string_view method;
  std::string_view path = {};                // as sent, before '?'; "" is "/"
  std::string_view query = {};               // as sent, after '?'
  std::span<const HeaderView> headers = {};  // HTTP/2: give ":authority" under the name "host" too
  // The body's hash, 64 lower-case hex digits. Left empty, it is computed from `body` when (and
  // only when) the signature covers the body itself.
  std::string_view body_sha256 = {};
  std::string_view body = {};
  bool secure = false;  // came over TLS
  // The bucket that the host names (virtual-host style); empty: none. Version 2 signs it.
  std::string_view host_bucket = {};
};

// What the signature says about the body.
enum class PayloadMode {
  kBodyHash,               // the hash of the whole body, checked with the signature
  kDeclaredHash,           // S3: x-amz-content-sha256; the caller compares it to the body's
  kUnsigned,               // UNSIGNED-PAYLOAD
  kSignedChunks,           // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  kSignedChunksTrailer,    // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  kUnsignedChunksTrailer,  // STREAMING-UNSIGNED-PAYLOAD-TRAILER
};

enum class SignatureVersion { kV4, kV2 };

// What a signature says. Its texts lie in memory of its own (or are constants), so it outlives the
// request, and costs one allocation.
struct ParsedSignature {
  SignatureVersion version = SignatureVersion::kV4;
  std::string_view access_key_id;
  std::string_view scope;           // "20261123/us-east-1/kinesis/aws4_request"; Version 2: empty
  std::string_view date;            // the scope's day: YYYYMMDD; Version 2: empty
  std::string_view region;          // Version 2: empty
  std::string_view service;         // the signing name: "kinesis", "monitoring", "s3"
  std::string_view signed_headers;  // "host;x-amz-date", lower case
  std::string_view signature;       // 64 lower-case hex digits; Version 2: base64
  std::string_view timestamp;       // YYYYMMDDTHHMMSSZ; Version 2: as sent
  std::string_view session_token;   // empty: none
  base::Timestamp time;             // Version 2, presigned: when it ends
  bool presigned = false;
  std::chrono::seconds expires{0};  // presigned by Version 4 only
  PayloadMode payload = PayloadMode::kBodyHash;
  std::string_view declared_payload;  // what the canonical request ends in when not kBodyHash
  std::unique_ptr<char[]> memory;     // where the texts lie

  bool is_s3() const { return service == "s3" || service == "s3-object-lambda"; }
};

// True when the request carries any form of a signature (right or wrong); without one the
// caller is anonymous (S3) or refused with kMissingToken.
bool has_signature(const SignedRequest& request);

std::expected<ParsedSignature, SignatureError> parse_signature(const SignedRequest& request);
// The same for services other than S3: Version 2 is not a signature to them.
std::expected<ParsedSignature, SignatureError> parse_signature_v4(const SignedRequest& request);

// The scope that the endpoint wants; an empty part accepts anything.
struct ExpectedScope {
  std::string_view region = {};
  std::string_view service = {};
};

// Verifies, in order, the chunks of one aws-chunked body. One request owns it; not thread-safe.
class ChunkVerifier {
 public:
  ChunkVerifier(const base::HmacSha256& signing_key, const ParsedSignature& seed);

  // The final, empty chunk is verified like any other. A failure is kChunkMismatch and final.
  std::expected<void, SignatureError> verify_chunk(std::string_view data,
                                                   std::string_view signature);
  // The same for a chunk hashed elsewhere (64 hex digits).
  std::expected<void, SignatureError> verify_chunk_sha256(std::string_view sha256_hex,
                                                          std::string_view signature);
  // `trailers`: each "name:value\n", names lower case, without x-amz-trailer-signature.
  std::expected<void, SignatureError> verify_trailer(std::string_view trailers,
                                                     std::string_view signature);
  const std::string& last_signature() const { return last_; }

 private:
  std::expected<void, SignatureError> check(std::string_view string_to_sign,
                                            std::string_view signature);

  base::HmacSha256 signing_key_;
  std::string prefix_;  // "\ntimestamp\nscope\n"
  std::string last_;
};

class SignatureVerifier {
 public:
  explicit SignatureVerifier(std::size_t key_slots = kSigningKeySlots);
  ~SignatureVerifier();
  SignatureVerifier(const SignatureVerifier&) = delete;
  SignatureVerifier& operator=(const SignatureVerifier&) = delete;

  // What needs no key: time and scope, in this order but for S3. Version 4.
  static std::expected<void, SignatureError> check_front(const ParsedSignature& parsed,
                                                         base::Timestamp now,
                                                         const ExpectedScope& expected = {});

  // Time and scope, the headers that must be signed, then the signature itself in constant time.
  std::expected<void, SignatureError> verify(const ParsedSignature& parsed,
                                             const SignedRequest& request, std::string_view secret,
                                             base::Timestamp now,
                                             const ExpectedScope& expected = {});

  // For a verified request whose payload mode is one of the signed chunk modes.
  ChunkVerifier chunks(const ParsedSignature& parsed, std::string_view secret);

 private:
  class KeyCache;
  std::unique_ptr<KeyCache> keys_;
};

// For kDeclaredHash, once the body has been read: kPayloadMismatch unless it is the declared one.
std::expected<void, SignatureError> check_declared_payload(const ParsedSignature& parsed,
                                                           std::string_view body_sha256_hex);

}  // namespace auth
