#include "wire/aws_chunked.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/result.h"

namespace wire {
namespace {

using auth::PayloadMode;
using Trailer = std::pair<std::string, std::string>;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kSignatureParameter = "chunk-signature=";
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";
// S3 takes no object larger than 5 TiB; it keeps sizes well within 64 bits.
constexpr std::uint64_t kChunkSizeMax = 5ULL << 40;

bool is_signed(PayloadMode mode) {
  return mode == PayloadMode::kSignedChunks || mode == PayloadMode::kSignedChunksTrailer;
}
bool has_trailer(PayloadMode mode) {
  return mode == PayloadMode::kSignedChunksTrailer || mode == PayloadMode::kUnsignedChunksTrailer;
}

std::unexpected<api::Error> incomplete() {
  return api::fail("IncompleteBody", 400, "The request body terminated unexpectedly");
}
std::unexpected<api::Error> bad_length() {
  return api::fail("IncompleteBody", 400,
                   "You did not provide the number of bytes specified by the Content-Length HTTP "
                   "header");
}
std::unexpected<api::Error> bad_chunk() {
  return api::fail("InvalidChunkSizeError", 400, "Chunk header is malformed");
}
std::unexpected<api::Error> bad_trailer() {
  return api::fail("MalformedTrailerError", 400,
                   "The request contained trailing data that was not well-formed or did not "
                   "conform to our published schema.");
}

struct ChunkHeader {
  std::uint64_t size = 0;
  std::string_view signature;
};

std::optional<ChunkHeader> parse_chunk_header(std::string_view line) {
  ChunkHeader header;
  const std::size_t semicolon = line.find(';');
  const std::string_view digits = line.substr(0, semicolon);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), header.size, 16);
  const bool number = error == std::errc{} && end == digits.data() + digits.size();
  if (!number || header.size > kChunkSizeMax) return std::nullopt;
  if (semicolon == std::string_view::npos) return header;
  const std::string_view parameter = line.substr(semicolon + 1);
  if (!parameter.starts_with(kSignatureParameter)) return std::nullopt;
  header.signature = parameter.substr(kSignatureParameter.size());
  return header;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

class Decoder {
 public:
  Decoder(std::string_view body, const ChunkedOptions& options) : rest_(body), options_(options) {
    CHECK(!is_signed(options.mode) || options.verifier != nullptr);
  }

  api::Outcome<ChunkedBody> decode() {
    if (options_.decoded_length)
      body_.data.reserve(std::min<std::uint64_t>(*options_.decoded_length, rest_.size()));
    bool last = false;
    while (!last) {
      ASSIGN_OR_RETURN(last, take_chunk());
    }
    RETURN_IF_ERROR(take_trailers());
    if (options_.decoded_length && *options_.decoded_length != body_.data.size())
      return bad_length();
    return std::move(body_);
  }

 private:
  // Up to and without the line's end. nullopt: none within `most` bytes.
  std::optional<std::string_view> take_line(std::size_t most) {
    const std::size_t end = rest_.substr(0, most).find(kLineEnd);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + kLineEnd.size());
    return line;
  }

  // True for the last, empty chunk.
  api::Outcome<bool> take_chunk() {
    const auto line = take_line(kChunkHeaderBytesMax);
    if (!line) return rest_.size() < kChunkHeaderBytesMax ? incomplete() : bad_chunk();
    const auto header = parse_chunk_header(*line);
    if (!header) return bad_chunk();
    if (header->size > rest_.size()) return incomplete();
    const std::string_view data = rest_.substr(0, header->size);
    rest_.remove_prefix(header->size);
    RETURN_IF_ERROR(verify(data, header->signature));
    if (header->size == 0) return true;
    if (rest_.size() < kLineEnd.size()) return incomplete();
    if (!rest_.starts_with(kLineEnd)) return bad_chunk();
    rest_.remove_prefix(kLineEnd.size());
    body_.data += data;
    if (options_.decoded_length && body_.data.size() > *options_.decoded_length)
      return bad_length();
    return false;
  }

  api::Outcome<void> verify(std::string_view data, std::string_view signature) const {
    if (!is_signed(options_.mode)) return {};
    const auto verified = options_.verifier->verify_chunk(data, signature);
    if (verified) return {};
    return std::unexpected(auth::to_api_error(verified.error(), auth::ErrorFamily::kS3));
  }

  // Lines up to an empty one; what clients leave off at the very end is not asked for.
  api::Outcome<void> take_trailers() {
    if (rest_.size() > kTrailerBytesMax) return bad_trailer();
    std::string covered;  // what the trailer's signature covers
    std::string signature;
    while (!rest_.empty() && !rest_.starts_with(kLineEnd)) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      const std::string_view line = trim(rest_.substr(0, end));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos || colon == 0) return bad_trailer();
      std::string name = lower_case(trim(line.substr(0, colon)));
      std::string value(trim(line.substr(colon + 1)));
      if (name == kTrailerSignature) {
        signature = std::move(value);
        continue;
      }
      if (body_.trailers.size() == kTrailersMax) return bad_trailer();
      covered += name + ":" + value + "\n";
      body_.trailers.emplace_back(std::move(name), std::move(value));
    }
    if (!body_.trailers.empty() && !has_trailer(options_.mode)) return bad_trailer();
    if (options_.mode != PayloadMode::kSignedChunksTrailer) return {};
    const auto verified = options_.verifier->verify_trailer(covered, signature);
    if (verified) return {};
    return std::unexpected(auth::to_api_error(verified.error(), auth::ErrorFamily::kS3));
  }

  std::string_view rest_;
  const ChunkedOptions& options_;
  ChunkedBody body_;
};

// ---- checksums

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";
constexpr std::array<std::string_view, 5> kAlgorithms = {"CRC32", "CRC32C", "CRC64NVME", "SHA1",
                                                         "SHA256"};

bool equal_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string bytes_of(std::uint64_t value, bool wide) {
  std::string out;
  if (wide) base::append_u64(out, value);
  else base::append_u32(out, static_cast<std::uint32_t>(value));
  return out;
}

std::string digest(std::string_view algorithm, std::string_view body) {
  if (algorithm == "CRC32") return bytes_of(base::crc32(body), false);
  if (algorithm == "CRC32C") return bytes_of(base::crc32c(body), false);
  if (algorithm == "CRC64NVME") return bytes_of(base::crc64_nvme(body), true);
  return algorithm == "SHA1" ? base::sha1(body) : base::sha256(body);
}

api::Error invalid_request(std::string message) {
  return {.code = "InvalidRequest", .status = 400, .message = std::move(message)};
}

// "x-amz-checksum-crc32" and the like; empty: another header.
std::string_view algorithm_of(std::string_view header) {
  if (header.size() <= kChecksumPrefix.size() ||
      !equal_name(header.substr(0, kChecksumPrefix.size()), kChecksumPrefix))
    return {};
  for (const std::string_view algorithm : kAlgorithms)
    if (equal_name(algorithm, header.substr(kChecksumPrefix.size()))) return algorithm;
  return {};
}

std::optional<api::Error> verify_one(std::string_view algorithm, std::string_view claimed,
                                     std::string_view body) {
  const auto bytes = base::from_base64(claimed);
  const std::string computed = digest(algorithm, body);
  if (!bytes || bytes->size() != computed.size())
    return invalid_request("Value for x-amz-checksum-" + lower_case(algorithm) +
                           " header is invalid.");
  if (*bytes == computed) return std::nullopt;
  return api::Error{.code = "BadDigest",
                    .status = 400,
                    .message = "The " + std::string(algorithm) +
                               " you specified did not match the calculated checksum."};
}

std::optional<api::Error> verify_md5(std::string_view claimed, std::string_view body) {
  const auto bytes = base::from_base64(claimed);
  if (!bytes || bytes->size() != 16)
    return api::Error{.code = "InvalidDigest",
                      .status = 400,
                      .message = "The Content-MD5 you specified was invalid.",
                      .members = {{"Content-MD5", std::string(claimed)}}};
  const std::string computed = base::md5(body);
  if (*bytes == computed) return std::nullopt;
  return api::Error{.code = "BadDigest",
                    .status = 400,
                    .message = "The Content-MD5 you specified did not match what we received.",
                    .members = {{"ExpectedDigest", base::hex(*bytes)},
                                {"CalculatedDigest", base::base64(computed)}}};
}

// Every trailer that the header names has come.
bool is_announced_there(std::string_view names, std::span<const Trailer> trailers) {
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    const std::string_view name = trim(names.substr(0, comma));
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
    const bool there = std::ranges::any_of(
        trailers, [&](const Trailer& trailer) { return equal_name(trailer.first, name); });
    if (!name.empty() && !there) return false;
  }
  return true;
}

}  // namespace

api::Outcome<ChunkedBody> decode_aws_chunked(std::string_view body, const ChunkedOptions& options) {
  return Decoder(body, options).decode();
}

std::optional<api::Error> verify_checksums(std::span<const auth::HeaderView> headers,
                                           std::string_view body,
                                           std::span<const Trailer> trailers) {
  std::vector<std::pair<std::string_view, std::string_view>> claims;
  std::string_view md5;
  bool has_md5 = false;
  bool all_trailers = true;
  for (const auth::HeaderView& header : headers) {
    const std::string_view algorithm = algorithm_of(header.name);
    if (!algorithm.empty()) claims.emplace_back(algorithm, header.value);
    if (equal_name(header.name, "x-amz-trailer"))
      all_trailers &= is_announced_there(header.value, trailers);
    if (!equal_name(header.name, "content-md5")) continue;
    md5 = header.value;
    has_md5 = true;
  }
  for (const auto& [name, value] : trailers) {
    const std::string_view algorithm = algorithm_of(name);
    if (!algorithm.empty()) claims.emplace_back(algorithm, value);
  }
  if (!all_trailers) return bad_trailer().error();
  if (claims.size() > 1)
    return invalid_request(
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  if (has_md5) {
    auto wrong = verify_md5(md5, body);
    if (wrong) return wrong;
  }
  return claims.empty() ? std::nullopt : verify_one(claims[0].first, claims[0].second, body);
}

std::optional<std::string> checksum(std::string_view algorithm, std::string_view body) {
  for (const std::string_view known : kAlgorithms)
    if (equal_name(known, algorithm)) return base::base64(digest(known, body));
  return std::nullopt;
}

}  // namespace wire
