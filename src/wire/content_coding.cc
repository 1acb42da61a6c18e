#include "wire/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace wire {
namespace {

constexpr std::size_t kStepBytes = 64UL << 10;
// zlib's own numbers: the largest window, and the offset that means gzip.
constexpr int kWindowBits = 15;
constexpr int kGzipOffset = 16;
constexpr int kMemoryLevel = 8;

int window_bits(ContentCoding coding) {
  return coding == ContentCoding::kGzip ? kWindowBits + kGzipOffset : kWindowBits;
}

// zlib reads through a pointer that is not const, and changes nothing.
Bytef* input_of(std::string_view body) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(body.data()));  // NOLINT
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

double quality_of(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return 1;
  std::string_view text = parameters.substr(at + 2);
  text = trimmed(text.substr(0, text.find(';')));
  double quality = 1;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), quality);
  if (wrong != std::errc() || end != text.data() + text.size()) return 1;
  return std::clamp(quality, 0.0, 1.0);
}

struct Inflater {
  z_stream stream{};
  bool ready = false;

  explicit Inflater(ContentCoding coding) {
    ready = inflateInit2(&stream, window_bits(coding)) == Z_OK;
  }
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

std::string_view name_of(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip: return "gzip";
    case ContentCoding::kDeflate: return "deflate";
    case ContentCoding::kIdentity: break;
  }
  return "identity";
}

std::optional<ContentCoding> content_coding(std::string_view name) {
  name = trimmed(name);
  if (name.empty()) return ContentCoding::kIdentity;
  for (const auto coding :
       {ContentCoding::kIdentity, ContentCoding::kGzip, ContentCoding::kDeflate})
    if (equal_ignoring_case(name, name_of(coding))) return coding;
  return std::nullopt;
}

ContentCoding accepted_coding(std::string_view header) {
  struct Choice {
    ContentCoding coding;
    std::optional<double> quality;
    std::size_t place = 0;  // where it is named with that quality
  };
  std::array<Choice, 2> choices{
      {{ContentCoding::kGzip, std::nullopt}, {ContentCoding::kDeflate, std::nullopt}}};
  std::optional<double> any;
  for (std::size_t place = 0; !header.empty(); ++place) {
    const std::size_t comma = header.find(',');
    const std::string_view entry = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view() : header.substr(comma + 1);
    const std::size_t semicolon = entry.find(';');
    const std::string_view name = trimmed(entry.substr(0, semicolon));
    const double quality =
        semicolon == std::string_view::npos ? 1 : quality_of(entry.substr(semicolon));
    if (name == "*") any = std::max(any.value_or(0), quality);
    for (Choice& choice : choices) {
      if (!equal_ignoring_case(name, name_of(choice.coding))) continue;
      if (choice.quality && *choice.quality >= quality) continue;
      choice.quality = quality;
      choice.place = place;
    }
  }
  const Choice* best = nullptr;
  for (const Choice& choice : choices) {
    if (!choice.quality || *choice.quality <= 0) continue;
    if (best == nullptr || *choice.quality > *best->quality ||
        (*choice.quality == *best->quality && choice.place < best->place))
      best = &choice;
  }
  const double best_quality = best != nullptr ? *best->quality : 0;
  for (const Choice& choice : choices)
    if (!choice.quality && any.value_or(0) > best_quality) return choice.coding;
  return best != nullptr ? best->coding : ContentCoding::kIdentity;
}

std::optional<std::string> inflate_body(ContentCoding coding, std::string_view body) {
  if (coding == ContentCoding::kIdentity) return std::string(body);
  Inflater inflater(coding);
  if (!inflater.ready) return std::nullopt;
  z_stream& stream = inflater.stream;
  stream.next_in = input_of(body);
  stream.avail_in = static_cast<uInt>(body.size());
  std::string out;
  while (true) {
    const std::size_t before = out.size();
    if (before > kInflatedMax) return std::nullopt;
    out.resize(before + kStepBytes);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(kStepBytes);
    const int done = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (done == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0)) continue;
    if (done != Z_STREAM_END) return std::nullopt;
    // gzip allows one member after the other; what else follows is not looked at, as on AWS.
    const bool another = coding == ContentCoding::kGzip && stream.avail_in > 1 &&
                         stream.next_in[0] == 0x1f && stream.next_in[1] == 0x8b;
    if (!another) break;
    if (inflateReset(&stream) != Z_OK) return std::nullopt;
  }
  if (out.size() > kInflatedMax) return std::nullopt;
  return out;
}

api::Outcome<void> inflate_request(HttpRequest& request) {
  const std::string* const header = request.find("content-encoding");
  if (header == nullptr) return {};
  const auto coding = content_coding(*header);
  // AWS takes what it cannot inflate for a failure of its own.
  if (!coding) return std::unexpected(api::internal_failure());
  if (*coding == ContentCoding::kIdentity) return {};
  auto body = inflate_body(*coding, request.body);
  if (!body) return std::unexpected(api::internal_failure());
  request.body = *std::move(body);
  return {};
}

std::optional<std::string> deflate_body(ContentCoding coding, std::string_view body) {
  if (coding == ContentCoding::kIdentity) return std::string(body);
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits(coding), kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return std::nullopt;
  std::string out(deflateBound(&stream, body.size()), '\0');
  stream.next_in = input_of(body);
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END) return std::nullopt;
  return out;
}

}  // namespace wire
