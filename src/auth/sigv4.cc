#include "auth/sigv4.h"

#include <fmt/format.h>

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "auth/canonical.h"
#include "auth/sigv2.h"
#include "base/ascii.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"
#include "base/time_text.h"

namespace auth {
namespace {

using canonical::find_header;
using canonical::for_each_part;
using enum SignatureFailure;
using Checked = std::expected<void, SignatureError>;

constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::unexpected<SignatureError> fault(const ParsedSignature& parsed, SignatureFailure failure,
                                      std::string message = {}, std::string s3_message = {},
                                      ErrorMembers s3_members = {}) {
  return std::unexpected(SignatureError{failure, std::move(message), std::move(s3_message),
                                        parsed.presigned, std::move(s3_members)});
}

std::string s3_about_scope(const ParsedSignature& parsed, std::string_view what) {
  return fmt::format("{}; {}",
                     parsed.presigned ? "Error parsing the X-Amz-Credential parameter"
                                      : "The authorization header is malformed",
                     what);
}

// The day of a scope that is not the timestamp's, as services other than S3 say it; "" for others.
std::string about_scope_date(const ParsedSignature& parsed) {
  const std::string_view day = parsed.timestamp.substr(0, 8);
  if (parsed.date == day || parsed.is_s3() || parsed.version == SignatureVersion::kV2) return {};
  return fmt::format(
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
      "'{}' != '{}', from '{}'.",
      parsed.date.substr(0, 100), day, parsed.timestamp);
}

// All that is wrong with the scope, in one message.
Checked check_scope(const ParsedSignature& parsed, const ExpectedScope& expected) {
  const bool region_wrong =
      !expected.region.empty() && !parsed.region.empty() && parsed.region != expected.region;
  const bool service_wrong = !expected.service.empty() && parsed.service != expected.service;
  const std::string date = about_scope_date(parsed);
  if (!region_wrong && !service_wrong && date.empty()) return {};
  std::string message;
  const auto add = [&](std::string_view what) {
    if (!message.empty()) message += ' ';
    message += what;
  };
  if (region_wrong) add("Credential should be scoped to a valid region.");
  if (service_wrong)
    add(fmt::format("Credential should be scoped to correct service: '{}'.", expected.service));
  if (!date.empty()) add(date);
  if (service_wrong)
    return fault(parsed, kWrongService, std::move(message),
                 s3_about_scope(parsed, fmt::format("incorrect service \"{}\". This endpoint "
                                                    "belongs to \"{}\".",
                                                    parsed.service, expected.service)));
  // S3's own signatures were refused before, in S3's words.
  if (!region_wrong)
    return fault(parsed, kWrongScopeDate, std::move(message),
                 s3_about_scope(parsed, "the date of the credential is not the request's"));
  return fault(parsed, kWrongRegion, std::move(message),
               s3_about_scope(parsed, fmt::format("the region '{}' is wrong; expecting '{}'",
                                                  parsed.region, expected.region)));
}

Checked check_presigned_time(const ParsedSignature& parsed, base::Timestamp now) {
  if (parsed.time > now + kS3ClockSkewMax)
    return fault(
        parsed, kNotYetCurrent,
        fmt::format("Signature not yet current: {} is still later than {} ({} + 15 min.)",
                    parsed.timestamp, base::amz_date(now + kS3ClockSkewMax), base::amz_date(now)),
        "Request is not yet valid");
  if (now <= parsed.time + parsed.expires) return {};
  return fault(parsed, kPresignedExpired,
               fmt::format("Signature expired: {} is now earlier than {} ({} - {} sec.)",
                           parsed.timestamp, base::amz_date(now - parsed.expires),
                           base::amz_date(now), parsed.expires.count()),
               {},
               {{"X-Amz-Expires", std::to_string(parsed.expires.count())},
                {"Expires", base::iso8601(parsed.time + parsed.expires)},
                {"ServerTime", base::iso8601(now)}});
}

Checked check_time(const ParsedSignature& parsed, base::Timestamp now) {
  if (parsed.presigned) return check_presigned_time(parsed, now);
  const auto skew = parsed.is_s3() ? kS3ClockSkewMax : kClockSkewMax;
  if (parsed.time < now - skew)
    return fault(
        parsed, kExpired,
        fmt::format("Signature expired: {} is now earlier than {} ({} - {} min.)", parsed.timestamp,
                    base::amz_date(now - skew), base::amz_date(now), skew.count()),
        {}, skew_members(parsed.timestamp, now, skew));
  if (parsed.time > now + skew)
    return fault(parsed, kNotYetCurrent,
                 fmt::format("Signature not yet current: {} is still later than {} ({} + {} min.)",
                             parsed.timestamp, base::amz_date(now + skew), base::amz_date(now),
                             skew.count()),
                 {}, skew_members(parsed.timestamp, now, skew));
  return {};
}

bool is_signed(const ParsedSignature& parsed, std::string_view name) {
  bool found = false;
  for_each_part(parsed.signed_headers, ';', [&](std::string_view part) {
    found = base::equal_ignoring_case(part, name);
    return !found;
  });
  return found;
}

bool starts_with_amz(std::string_view name) {
  constexpr std::string_view kPrefix = "x-amz-";
  return name.size() > kPrefix.size() &&
         base::equal_ignoring_case(name.substr(0, kPrefix.size()), kPrefix);
}

// What the signature leaves out, anyone on the way could change: the host, the operation's name,
// and on S3 whatever else steers the request.
Checked check_signed_headers(const ParsedSignature& parsed, const SignedRequest& request) {
  if (!is_signed(parsed, "host") && !is_signed(parsed, canonical::kAuthority))
    return fault(parsed, kHeaderNotSigned,
                 "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  if (!parsed.is_s3()) {
    if (find_header(request.headers, "x-amz-target") == nullptr ||
        is_signed(parsed, "x-amz-target"))
      return {};
    return fault(parsed, kHeaderNotSigned,
                 "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  }
  for (const HeaderView& header : request.headers) {
    if (!starts_with_amz(header.name) || is_signed(parsed, header.name)) continue;
    // The hash stands in the canonical request anyway.
    if (base::equal_ignoring_case(header.name, "x-amz-content-sha256")) continue;
    return fault(parsed, kHeaderNotSigned,
                 "There were headers present in the request which were "
                 "not signed");
  }
  return {};
}

// One way to write the path and the query down. Clients differ in corners (a "+", an unescaped
// "!"); what arrives is first read the way AWS does, then taken as it stands.
enum class Reading { kCanonical, kAsSent };

void append_path(std::string& out, const ParsedSignature& parsed, std::string_view path,
                 Reading reading) {
  const bool as_sent = reading == Reading::kAsSent;
  if (parsed.is_s3()) {
    if (as_sent) out += path;
    else canonical::append_s3_path(out, path);
  } else {
    if (as_sent) canonical::append_escaped_path(out, path);
    else canonical::append_normalised_path(out, path);
  }
}

// What the canonical request ends in, but for a body that has to be hashed: "".
std::string_view known_payload(const ParsedSignature& parsed, const SignedRequest& request) {
  if (parsed.payload != PayloadMode::kBodyHash) return parsed.declared_payload;
  if (!request.body_sha256.empty()) return request.body_sha256;
  return request.body.empty() ? kEmptySha256 : std::string_view();
}

std::string canonical_request(const ParsedSignature& parsed, const SignedRequest& request,
                              std::string_view payload, Reading reading) {
  std::string text;
  text.reserve(1'024);
  text.append(request.method).append("\n");
  append_path(text, parsed, request.path, reading);
  text += '\n';
  canonical::append_query(text, request.query, reading == Reading::kAsSent);
  text += '\n';
  canonical::append_headers(text, parsed.signed_headers, request.headers);
  text.append("\n").append(parsed.signed_headers).append("\n").append(payload);
  return text;
}

bool signature_is(const ParsedSignature& parsed, std::string_view canonical_text,
                  const base::HmacSha256& key) {
  const std::string to_sign =
      canonical::string_to_sign(parsed.timestamp, parsed.scope, canonical_text);
  return base::equal_in_constant_time(key.of(to_sign).hex().view(), parsed.signature);
}

}  // namespace

// Derived keys in fixed slots, a newcomer replacing whatever was in its slot: bounded without
// bookkeeping, and the worst a collision costs is deriving a key again.
class SignatureVerifier::KeyCache {
 public:
  explicit KeyCache(std::size_t slots) : slots_(slots == 0 ? 1 : slots) {}

  base::HmacSha256 key_for(const ParsedSignature& parsed, std::string_view secret) {
    const std::size_t at = slot_of(parsed, secret);
    {
      const std::scoped_lock lock(mutex_);
      const auto& slot = slots_[at];
      if (slot && slot->date == parsed.date && slot->region == parsed.region &&
          slot->service == parsed.service && slot->secret == secret)
        return slot->key;
    }
    const base::HmacSha256 key(
        canonical::signing_key(secret, parsed.date, parsed.region, parsed.service));
    std::optional<Slot> fresh = Slot{std::string(secret), std::string(parsed.date),
                                     std::string(parsed.region), std::string(parsed.service), key};
    const std::scoped_lock lock(mutex_);
    std::swap(slots_[at], fresh);
    return key;
  }

 private:
  struct Slot {
    std::string secret, date, region, service;
    base::HmacSha256 key;
  };

  // A new day's key takes the place of the day's before.
  std::size_t slot_of(const ParsedSignature& parsed, std::string_view secret) const {
    std::size_t hash = std::hash<std::string_view>{}(secret);
    for (const std::string_view part : {parsed.region, parsed.service})
      hash = hash * 31 + std::hash<std::string_view>{}(part);
    return hash % slots_.size();
  }

  std::mutex mutex_;
  std::vector<std::optional<Slot>> slots_;
};

SignatureVerifier::SignatureVerifier(std::size_t key_slots)
    : keys_(std::make_unique<KeyCache>(key_slots)) {}
SignatureVerifier::~SignatureVerifier() = default;

std::expected<void, SignatureError> SignatureVerifier::check_front(const ParsedSignature& parsed,
                                                                   base::Timestamp now,
                                                                   const ExpectedScope& expected) {
  if (parsed.is_s3()) {
    RETURN_IF_ERROR(check_scope(parsed, expected));
    return check_time(parsed, now);
  }
  RETURN_IF_ERROR(check_time(parsed, now));
  return check_scope(parsed, expected);
}

std::expected<void, SignatureError> SignatureVerifier::verify(const ParsedSignature& parsed,
                                                              const SignedRequest& request,
                                                              std::string_view secret,
                                                              base::Timestamp now,
                                                              const ExpectedScope& expected) {
  if (parsed.version == SignatureVersion::kV2) {
    RETURN_IF_ERROR(check_scope(parsed, expected));
    return verify_v2(parsed, request, secret, now);
  }
  RETURN_IF_ERROR(check_front(parsed, now, expected));
  RETURN_IF_ERROR(check_signed_headers(parsed, request));

  const base::HmacSha256 key = keys_->key_for(parsed, secret);
  base::Sha256::Hex hashed;
  std::string_view payload = known_payload(parsed, request);
  if (payload.empty()) {
    hashed = base::sha256_of(request.body).hex();
    payload = hashed.view();
  }
  const std::string first = canonical_request(parsed, request, payload, Reading::kCanonical);
  if (signature_is(parsed, first, key)) return {};
  const std::string second = canonical_request(parsed, request, payload, Reading::kAsSent);
  if (second != first && signature_is(parsed, second, key)) return {};
  if (!parsed.is_s3()) return fault(parsed, kMismatch);
  const std::string to_sign = canonical::string_to_sign(parsed.timestamp, parsed.scope, first);
  return fault(parsed, kMismatch, {}, {},
               mismatch_members(parsed.access_key_id, to_sign, parsed.signature, first));
}

ChunkVerifier SignatureVerifier::chunks(const ParsedSignature& parsed, std::string_view secret) {
  return ChunkVerifier(keys_->key_for(parsed, secret), parsed);
}

ChunkVerifier::ChunkVerifier(const base::HmacSha256& signing_key, const ParsedSignature& seed)
    : signing_key_(signing_key),
      prefix_(fmt::format("\n{}\n{}\n", seed.timestamp, seed.scope)),
      last_(seed.signature) {}

std::expected<void, SignatureError> ChunkVerifier::check(std::string_view string_to_sign,
                                                         std::string_view signature) {
  const base::Sha256::Hex computed = signing_key_.of(string_to_sign).hex();
  if (!base::equal_in_constant_time(computed.view(), signature))
    return std::unexpected(SignatureError{.failure = kChunkMismatch});
  last_ = computed.view();
  return {};
}

std::expected<void, SignatureError> ChunkVerifier::verify_chunk_sha256(std::string_view sha256_hex,
                                                                       std::string_view signature) {
  return check(
      fmt::format("AWS4-HMAC-SHA256-PAYLOAD{}{}\n{}\n{}", prefix_, last_, kEmptySha256, sha256_hex),
      signature);
}

std::expected<void, SignatureError> ChunkVerifier::verify_chunk(std::string_view data,
                                                                std::string_view signature) {
  return verify_chunk_sha256(base::sha256_of(data).hex().view(), signature);
}

std::expected<void, SignatureError> ChunkVerifier::verify_trailer(std::string_view trailers,
                                                                  std::string_view signature) {
  return check(fmt::format("AWS4-HMAC-SHA256-TRAILER{}{}\n{}", prefix_, last_,
                           base::sha256_of(trailers).hex().view()),
               signature);
}

std::expected<void, SignatureError> check_declared_payload(const ParsedSignature& parsed,
                                                           std::string_view body_sha256_hex) {
  if (parsed.payload != PayloadMode::kDeclaredHash || parsed.declared_payload == body_sha256_hex)
    return {};
  return std::unexpected(SignatureError{.failure = kPayloadMismatch});
}

}  // namespace auth
