#include "auth/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "auth/authenticator.h"
#include "auth/signer.h"
#include "auth/sigv4_vectors.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace auth {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using enum SignatureFailure;

base::Timestamp vector_time() { return *base::parse_amz_date("20261123T050000Z"); }

// A request that owns its text, so that tests can change it.
struct Sent {
  std::string method = "POST";
  std::string path = "/";
  std::string query;
  std::string body;
  HeaderList headers;

  explicit Sent(const SignedVector& vector)
      : method(vector.method), path(vector.path), query(vector.query), body(vector.body) {
    for (const auto& [name, value] : vector.headers) headers.emplace_back(name, value);
  }
  Sent(const RequestToSign& request, const HeaderList& added)
      : method(request.method),
        path(request.path),
        query(request.query),
        body(request.body),
        headers(request.headers) {
    headers.insert(headers.end(), added.begin(), added.end());
  }

  std::string& header(std::string_view name) {
    for (auto& [known, value] : headers)
      if (known == name) return value;
    return headers.emplace_back(name, "").second;
  }
  void remove(std::string_view name) {
    std::erase_if(headers, [&](const auto& header) { return header.first == name; });
  }
};

// "" when the request is accepted, otherwise the failure's code as `family` words it.
struct Answer {
  bool ok = false;
  SignatureError error;
  api::Error shown(ErrorFamily family) const { return to_api_error(error, family); }
};

Answer check(const Sent& sent, base::Timestamp now = vector_time(),
             std::string_view secret = kVectorSecret, const ExpectedScope& scope = {}) {
  std::vector<HeaderView> views;
  for (const auto& [name, value] : sent.headers) views.push_back({name, value});
  const SignedRequest request{.method = sent.method,
                              .path = sent.path,
                              .query = sent.query,
                              .headers = views,
                              .body_sha256 = {},
                              .body = sent.body};
  const auto parsed = parse_signature(request);
  if (!parsed) return {false, parsed.error()};
  SignatureVerifier verifier;
  const auto verified = verifier.verify(*parsed, request, secret, now, scope);
  if (!verified) return {false, verified.error()};
  // Again, now from the key cache.
  EXPECT_TRUE(verifier.verify(*parsed, request, secret, now, scope));
  return {true, {}};
}

Sent vector_named(std::string_view name) {
  for (const SignedVector& vector : signed_vectors())
    if (vector.name == name) return Sent(vector);
  ADD_FAILURE() << "no vector " << name;
  return Sent(signed_vectors().front());
}

TEST(SigV4, AcceptsWhatBotocoreSigns) {
  for (const SignedVector& vector : signed_vectors()) {
    const Answer answer = check(Sent(vector));
    EXPECT_TRUE(answer.ok) << vector.name << ": " << answer.shown(ErrorFamily::kJson).message;
  }
}

TEST(SigV4, RefusesAnyChangeToWhatIsSigned) {
  for (const SignedVector& vector : signed_vectors()) {
    SCOPED_TRACE(vector.name);
    Sent method(vector);
    method.method = "DELETE";
    EXPECT_EQ(check(method).error.failure, kMismatch);
    Sent path(vector);
    path.path += "x";
    EXPECT_EQ(check(path).error.failure, kMismatch);
    Sent query(vector);
    query.query += query.query.empty() ? "more=1" : "&more=1";
    EXPECT_EQ(check(query).error.failure, kMismatch);
    Sent host(vector);
    host.header("Host") += "x";
    EXPECT_EQ(check(host).error.failure, kMismatch);
    EXPECT_EQ(check(Sent(vector), vector_time(), "another secret").error.failure, kMismatch);
    if (vector.service == "s3") continue;
    Sent body(vector);
    body.body += "x";
    EXPECT_EQ(check(body).error.failure, kMismatch);
  }
}

TEST(SigV4, ParsesTheHeader) {
  Sent sent = vector_named("json with token");
  std::vector<HeaderView> views;
  for (const auto& [name, value] : sent.headers) views.push_back({name, value});
  const auto parsed = parse_signature({.method = "POST", .path = "/", .headers = views});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->access_key_id, kVectorKey);
  EXPECT_EQ(parsed->scope, "20261123/us-east-1/kinesis/aws4_request");
  EXPECT_EQ(parsed->session_token, kVectorToken);
  EXPECT_EQ(parsed->signed_headers,
            "content-type;host;x-amz-date;x-amz-security-token;x-amz-target");
  EXPECT_EQ(parsed->time, vector_time());
  EXPECT_FALSE(parsed->presigned);
}

TEST(SigV4, TakesHeaderPartsWithAndWithoutBlanks) {
  Sent sent = vector_named("json");
  std::string& header = sent.header("Authorization");
  std::string tight;
  for (std::size_t i = 0; i < header.size(); ++i)
    if (header[i] != ' ' || i < kSigV4Algorithm.size() + 1) tight += header[i];
  header = tight;
  EXPECT_TRUE(check(sent).ok);
}

TEST(SigV4, NamesTheMissingPartsOfTheHeader) {
  Sent sent = vector_named("json");
  sent.header("Authorization") = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e";
  sent.remove("X-Amz-Date");
  const Answer answer = check(sent);
  const api::Error json = answer.shown(ErrorFamily::kJson);
  EXPECT_EQ(json.code, "IncompleteSignatureException");
  EXPECT_EQ(json.status, 400);
  EXPECT_THAT(json.message,
              StartsWith("Authorization header requires 'Signature' parameter. Authorization "
                         "header requires 'SignedHeaders' parameter. Authorization header requires "
                         "existence of either a 'X-Amz-Date' or a 'Date' header. "));
  EXPECT_EQ(answer.shown(ErrorFamily::kQuery).code, "IncompleteSignature");
  EXPECT_EQ(answer.shown(ErrorFamily::kQuery).status, 403);
  EXPECT_EQ(answer.shown(ErrorFamily::kS3).code, "AuthorizationHeaderMalformed");
}

TEST(SigV4, DoesNotShowTheHeaderBack) {
  Sent sent = vector_named("json");
  sent.header("Authorization") = "Bearer my-secret-token";
  const api::Error json = check(sent).shown(ErrorFamily::kJson);
  EXPECT_EQ(json.code, "IncompleteSignatureException");
  EXPECT_THAT(json.message, testing::Not(HasSubstr("my-secret-token")));
  EXPECT_EQ(check(sent).shown(ErrorFamily::kS3).message, "Unsupported Authorization Type");
}

TEST(SigV4, WantsFivePartsOfTheCredential) {
  Sent sent = vector_named("put");
  sent.header("Authorization") =
      "AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/s3, SignedHeaders=host, Signature=0";
  const Answer answer = check(sent);
  EXPECT_EQ(answer.error.failure, kBadCredential);
  EXPECT_EQ(answer.shown(ErrorFamily::kS3).message,
            "The authorization header is malformed; the Credential is mal-formed; expecting "
            "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  EXPECT_THAT(answer.shown(ErrorFamily::kJson).message, HasSubstr("exactly 5 slash-delimited"));
}

TEST(SigV4, RefusesAnUnsignedRequest) {
  Sent sent = vector_named("json");
  sent.remove("Authorization");
  const Answer answer = check(sent);
  EXPECT_EQ(answer.shown(ErrorFamily::kJson).code, "MissingAuthenticationTokenException");
  EXPECT_EQ(answer.shown(ErrorFamily::kRestJson).status, 403);
  EXPECT_EQ(answer.shown(ErrorFamily::kQuery).code, "MissingAuthenticationToken");
  EXPECT_EQ(answer.shown(ErrorFamily::kS3).code, "AccessDenied");
}

TEST(SigV4, AllowsFiveMinutesOfSkew) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  const Sent sent = vector_named("json");
  EXPECT_TRUE(check(sent, vector_time() + minutes(5)).ok);
  EXPECT_TRUE(check(sent, vector_time() - minutes(5)).ok);
  const Answer late = check(sent, vector_time() + minutes(5) + seconds(1));
  EXPECT_EQ(late.shown(ErrorFamily::kJson).code, "InvalidSignatureException");
  EXPECT_EQ(late.shown(ErrorFamily::kJson).message,
            "Signature expired: 20261123T050000Z is now earlier than 20261123T050001Z "
            "(20261123T050501Z - 5 min.)");
  EXPECT_EQ(late.shown(ErrorFamily::kQuery).code, "SignatureDoesNotMatch");
  const Answer early = check(sent, vector_time() - minutes(6));
  EXPECT_EQ(early.shown(ErrorFamily::kQuery).message,
            "Signature not yet current: 20261123T050000Z is still later than 20261123T045900Z "
            "(20261123T045400Z + 5 min.)");
}

TEST(SigV4, AllowsFifteenMinutesOfSkewOnS3) {
  using std::chrono::minutes;
  const Sent sent = vector_named("put");
  EXPECT_TRUE(check(sent, vector_time() + minutes(15)).ok);
  const Answer late = check(sent, vector_time() + minutes(16));
  EXPECT_EQ(late.shown(ErrorFamily::kS3).code, "RequestTimeTooSkewed");
  EXPECT_EQ(late.shown(ErrorFamily::kS3).status, 403);
}

TEST(SigV4, EndsAPresignedRequestWhenItSays) {
  using std::chrono::seconds;
  const Sent sent = vector_named("presigned s3");
  EXPECT_TRUE(check(sent, vector_time() + seconds(600)).ok);
  const Answer late = check(sent, vector_time() + seconds(601));
  EXPECT_EQ(late.error.failure, kPresignedExpired);
  EXPECT_EQ(late.shown(ErrorFamily::kS3).code, "AccessDenied");
  EXPECT_EQ(late.shown(ErrorFamily::kS3).message, "Request has expired");
}

TEST(SigV4, WantsAllSixQueryParameters) {
  Sent sent = vector_named("presigned s3");
  sent.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fs3%2Faws4_request";
  const api::Error shown = check(sent).shown(ErrorFamily::kS3);
  EXPECT_EQ(shown.code, "AuthorizationQueryParametersError");
  EXPECT_EQ(shown.status, 400);
  EXPECT_THAT(shown.message, HasSubstr("X-Amz-SignedHeaders, and X-Amz-Expires parameters."));
}

TEST(SigV4, RefusesADoublyEscapedCredential) {
  Sent sent = vector_named("presigned s3");
  const std::string once = "%2F20261123%2Fus-east-1%2Fs3%2F";
  const std::string twice = "%252F20261123%252Fus-east-1%252Fs3%252F";
  sent.query.replace(sent.query.find(once), once.size(), twice);
  const api::Error shown = check(sent).shown(ErrorFamily::kS3);
  EXPECT_EQ(shown.code, "AuthorizationQueryParametersError");
  EXPECT_EQ(shown.message,
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "
            "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
}

TEST(SigV4, BoundsExpires) {
  const Sent sent = vector_named("presigned s3");
  const auto with = [&](std::string_view expires) {
    Sent changed = sent;
    const std::string now = "X-Amz-Expires=600";
    changed.query.replace(changed.query.find(now), now.size(),
                          "X-Amz-Expires=" + std::string(expires));
    return check(changed).shown(ErrorFamily::kS3).code;
  };
  EXPECT_EQ(with("604801"), "AuthorizationQueryParametersError");
  EXPECT_EQ(with("-1"), "AuthorizationQueryParametersError");
  EXPECT_EQ(with("soon"), "AuthorizationQueryParametersError");
  EXPECT_EQ(with("604800"), "SignatureDoesNotMatch");
}

TEST(SigV4, RefusesTwoSignaturesAtOnce) {
  Sent sent = vector_named("presigned s3");
  sent.header("Authorization") = "AWS4-HMAC-SHA256 x";
  EXPECT_EQ(check(sent).error.failure, kTwoMechanisms);
  Sent bare = vector_named("json");
  bare.query = "X-Amz-Algorithm";
  EXPECT_EQ(check(bare).error.failure, kTwoMechanisms);
  EXPECT_EQ(check(bare).shown(ErrorFamily::kJson).code, "InvalidSignatureException");
}

TEST(SigV4, AQueryWithoutAnAlgorithmIsNotSigned) {
  Sent sent = vector_named("presigned s3");
  const std::string algorithm = "X-Amz-Algorithm=AWS4-HMAC-SHA256";
  sent.query.replace(sent.query.find(algorithm), algorithm.size(), "X-Amz-Nothing=");
  EXPECT_EQ(check(sent).shown(ErrorFamily::kS3).code, "AuthorizationQueryParametersError");
  sent.query = "X-Amz-Credential=a&X-Amz-Signature=b";
  EXPECT_EQ(check(sent).shown(ErrorFamily::kJson).code, "MissingAuthenticationTokenException");
}

TEST(SigV4, ChecksTheScope) {
  const Sent json = vector_named("json");
  const auto scoped = [](const Sent& sent, std::string_view region, std::string_view service) {
    return check(sent, vector_time(), kVectorSecret, {region, service});
  };
  EXPECT_TRUE(scoped(json, "us-east-1", "kinesis").ok);
  EXPECT_EQ(scoped(json, "eu-west-1", "kinesis").shown(ErrorFamily::kJson).message,
            "Credential should be scoped to a valid region.");
  EXPECT_EQ(scoped(json, "us-east-1", "dynamodb").shown(ErrorFamily::kJson).message,
            "Credential should be scoped to correct service: 'dynamodb'.");
  const api::Error s3 = scoped(vector_named("put"), "eu-west-1", "s3").shown(ErrorFamily::kS3);
  EXPECT_EQ(s3.code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(s3.message,
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting "
            "'eu-west-1'");
}

TEST(SigV4, WantsTheScopesDayToBeTheTimestamps) {
  Sent sent = vector_named("json");
  std::string& header = sent.header("Authorization");
  header.replace(header.find("20261123"), 8, "20261122");
  const Answer answer = check(sent);
  EXPECT_EQ(answer.error.failure, kWrongScopeDate);
  EXPECT_THAT(answer.shown(ErrorFamily::kJson).message,
              HasSubstr("'20261122' != '20261123', from '20261123T050000Z'."));
  EXPECT_FALSE(answer.shown(ErrorFamily::kS3).message.empty());  // whoever shows it
}

TEST(SigV4, SaysTheTimeBeforeTheScope) {
  Sent sent = vector_named("json");
  std::string& header = sent.header("Authorization");
  header.replace(header.find("20261123"), 8, "20261122");
  const Answer late =
      check(sent, vector_time() + std::chrono::hours(1), kVectorSecret, {"eu-west-1", "dynamodb"});
  EXPECT_EQ(late.error.failure, kExpired);
  const Answer wrong = check(sent, vector_time(), kVectorSecret, {"eu-west-1", "dynamodb"});
  EXPECT_EQ(wrong.shown(ErrorFamily::kJson).message,
            "Credential should be scoped to a valid region. Credential should be scoped to correct "
            "service: 'dynamodb'. Date in Credential scope does not match YYYYMMDD from ISO-8601 "
            "version of date from HTTP: '20261122' != '20261123', from '20261123T050000Z'.");
}

// Signs with our own signer but leaves a header out of the signature.
Sent sent_with_unsigned(std::string_view service, std::string_view name, std::string_view value) {
  RequestToSign request{.method = "POST", .headers = {{"host", "h"}}};
  const auto added =
      sign_request(request, {std::string(kVectorKey), std::string(kVectorSecret), ""},
                   {"us-east-1", std::string(service)}, vector_time());
  Sent sent(request, added);
  sent.header(name) = value;
  return sent;
}

TEST(SigV4, TakesHttp2sNameForTheHost) {
  RequestToSign request{.method = "POST", .headers = {{":authority", "h:4566"}}};
  const auto added =
      sign_request(request, {std::string(kVectorKey), std::string(kVectorSecret), ""},
                   {"us-east-1", "kinesis"}, vector_time());
  request.headers = {{"host", "h:4566"}};  // as the server has it
  Sent sent(request, added);
  EXPECT_TRUE(check(sent).ok);
  sent.header("host") = "other:4566";
  EXPECT_EQ(check(sent).error.failure, kMismatch);
}

TEST(SigV4, WantsTheOperationsNameSigned) {
  EXPECT_EQ(check(sent_with_unsigned("kinesis", "X-Amz-Target", "x")).error.failure,
            kHeaderNotSigned);
  EXPECT_TRUE(check(sent_with_unsigned("kinesis", "content-type", "x")).ok);
}

TEST(SigV4, WantsAmzHeadersSignedOnS3) {
  const Answer answer = check(sent_with_unsigned("s3", "x-amz-acl", "public-read"));
  EXPECT_EQ(answer.shown(ErrorFamily::kS3).message,
            "There were headers present in the request which were not signed");
  EXPECT_EQ(answer.shown(ErrorFamily::kS3).status, 403);
}

TEST(SigV4, WantsTheHostSigned) {
  Sent sent = vector_named("json");
  std::string& header = sent.header("Authorization");
  header.replace(header.find(";host"), 5, "");
  EXPECT_EQ(check(sent).error.failure, kHeaderNotSigned);
}

TEST(SigV4, WantsTheContentHashOnS3) {
  Sent sent = vector_named("put");
  sent.remove("X-Amz-Content-SHA256");
  EXPECT_EQ(check(sent).shown(ErrorFamily::kS3).code, "InvalidRequest");
  sent.header("X-Amz-Content-SHA256") = "nonsense";
  EXPECT_EQ(check(sent).shown(ErrorFamily::kS3).code, "InvalidArgument");
}

TEST(SigV4, TakesTheBodysHashInPlaceOfTheBody) {
  Sent sent = vector_named("json");
  std::vector<HeaderView> views;
  for (const auto& [name, value] : sent.headers) views.push_back({name, value});
  const std::string hash = base::hex(base::sha256(sent.body));
  const SignedRequest request{
      .method = "POST", .path = "/", .query = "", .headers = views, .body_sha256 = hash};
  SignatureVerifier verifier;
  EXPECT_TRUE(verifier.verify(*parse_signature(request), request, kVectorSecret, vector_time()));
}

TEST(SigV4, ReadsThePayloadModes) {
  const auto mode = [](std::string_view word) {
    Sent sent = vector_named("put");
    sent.header("X-Amz-Content-SHA256") = word;
    std::vector<HeaderView> views;
    for (const auto& [name, value] : sent.headers) views.push_back({name, value});
    return parse_signature({.method = "PUT", .path = "/", .headers = views})->payload;
  };
  EXPECT_EQ(mode("UNSIGNED-PAYLOAD"), PayloadMode::kUnsigned);
  EXPECT_EQ(mode("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), PayloadMode::kSignedChunks);
  EXPECT_EQ(mode("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), PayloadMode::kSignedChunksTrailer);
  EXPECT_EQ(mode("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), PayloadMode::kUnsignedChunksTrailer);
  EXPECT_EQ(mode(std::string(64, 'a')), PayloadMode::kDeclaredHash);
}

TEST(SigV4, ComparesADeclaredHashWithTheBodys) {
  ParsedSignature parsed;
  parsed.payload = PayloadMode::kDeclaredHash;
  const std::string declared(64, 'a');
  parsed.declared_payload = declared;
  EXPECT_TRUE(check_declared_payload(parsed, std::string(64, 'a')));
  const auto wrong = check_declared_payload(parsed, std::string(64, 'b'));
  EXPECT_EQ(to_api_error(wrong.error(), ErrorFamily::kS3).code, "XAmzContentSHA256Mismatch");
}

ParsedSignature chunk_seed() {
  ParsedSignature seed;
  seed.scope = "20261123/us-east-1/s3/aws4_request";
  seed.date = "20261123";
  seed.region = "us-east-1";
  seed.service = "s3";
  seed.timestamp = "20261123T050000Z";
  seed.signature = "0000000000000000000000000000000000000000000000000000000000000000";
  return seed;
}

TEST(SigV4, VerifiesChunksInOrder) {
  SignatureVerifier verifier;
  ChunkVerifier chunks = verifier.chunks(chunk_seed(), kVectorSecret);
  EXPECT_TRUE(chunks.verify_chunk("first chunk", kVectorChunks[0]));
  EXPECT_TRUE(chunks.verify_chunk("second chunk", kVectorChunks[1]));
  EXPECT_TRUE(chunks.verify_chunk("", kVectorChunks[2]));
  EXPECT_TRUE(chunks.verify_trailer("x-amz-checksum-crc32:AAAAAA==\n", kVectorChunks[3]));
}

TEST(SigV4, RefusesChunksOutOfOrderOrChanged) {
  SignatureVerifier verifier;
  ChunkVerifier swapped = verifier.chunks(chunk_seed(), kVectorSecret);
  EXPECT_FALSE(swapped.verify_chunk("second chunk", kVectorChunks[1]));
  ChunkVerifier changed = verifier.chunks(chunk_seed(), kVectorSecret);
  EXPECT_FALSE(changed.verify_chunk("first chunK", kVectorChunks[0]));
}

TEST(Signer, MakesTheSignatureThatBotocoreMakes) {
  const Sent wanted = vector_named("json with token");
  RequestToSign request{.method = "POST", .body = wanted.body};
  for (const auto& [name, value] : wanted.headers)
    if (name == "Content-Type" || name == "X-Amz-Target" || name == "Host")
      request.headers.emplace_back(name, value);
  const SigningCredentials credentials{std::string(kVectorKey), std::string(kVectorSecret),
                                       std::string(kVectorToken)};
  const HeaderList added =
      sign_request(request, credentials, {"us-east-1", "kinesis"}, vector_time());
  EXPECT_EQ(added.back().second, Sent(wanted).header("Authorization"));
}

TEST(Signer, MakesTheUrlThatBotocoreMakes) {
  const Sent wanted = vector_named("presigned s3 token");
  const SigningCredentials credentials{std::string(kVectorKey), std::string(kVectorSecret),
                                       std::string(kVectorToken)};
  const std::string url =
      presign_url("http://127.0.0.1:4566", {.method = "PUT", .path = "/bucket/k"}, credentials,
                  {"us-east-1", "s3"}, vector_time(), std::chrono::seconds(600));
  EXPECT_EQ(url, "http://127.0.0.1:4566/bucket/k?" + wanted.query);
}

class OneKey final : public CredentialSource {
 public:
  std::expected<std::shared_ptr<const Credential>, CredentialFailure> find(
      std::string_view access_key_id, std::string_view session_token) const override {
    if (access_key_id != kVectorKey) return std::unexpected(CredentialFailure::kUnknownKey);
    if (session_token != kVectorToken) return std::unexpected(CredentialFailure::kInvalidToken);
    auto credential = std::make_shared<Credential>();
    credential->secret_key = kVectorSecret;
    credential->expires = vector_time() + std::chrono::minutes(1);
    credential->principal = root_principal("000000000000");
    return credential;
  }
};

SignatureError authenticate(const Sent& sent, base::Timestamp now = vector_time()) {
  std::vector<HeaderView> views;
  for (const auto& [name, value] : sent.headers) views.push_back({name, value});
  const OneKey keys;
  const base::ManualClock clock(now);
  Authenticator authenticator(keys, clock);
  const auto who = authenticator.authenticate({.method = sent.method,
                                               .path = sent.path,
                                               .query = sent.query,
                                               .headers = views,
                                               .body_sha256 = {},
                                               .body = sent.body});
  if (who) return {.failure = kMissingToken, .message = who->principal().arn};
  return who.error();
}

TEST(Authenticator, SaysWhoSentTheRequest) {
  EXPECT_EQ(authenticate(vector_named("json with token")).message,
            "arn:aws:iam::000000000000:root");
}

TEST(Authenticator, TellsUnknownKeysTokensAndEndedSessionsApart) {
  Sent unknown = vector_named("json with token");
  std::string& header = unknown.header("Authorization");
  header.replace(header.find(kVectorKey), kVectorKey.size(), "AKIANOBODY");
  const SignatureError stranger = authenticate(unknown);
  EXPECT_EQ(to_api_error(stranger, ErrorFamily::kJson).code, "UnrecognizedClientException");
  EXPECT_EQ(to_api_error(stranger, ErrorFamily::kQuery).code, "InvalidClientTokenId");
  EXPECT_EQ(to_api_error(stranger, ErrorFamily::kS3).code, "InvalidAccessKeyId");

  const SignatureError tokenless = authenticate(vector_named("json"));
  EXPECT_EQ(tokenless.failure, kInvalidToken);
  EXPECT_EQ(to_api_error(tokenless, ErrorFamily::kS3).code, "InvalidToken");

  const SignatureError late =
      authenticate(vector_named("json with token"), vector_time() + std::chrono::minutes(2));
  EXPECT_EQ(to_api_error(late, ErrorFamily::kJson).code, "ExpiredTokenException");
  EXPECT_EQ(to_api_error(late, ErrorFamily::kQuery).code, "ExpiredToken");
}

}  // namespace
}  // namespace auth
