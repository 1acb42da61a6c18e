#include "wire/http1_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <expected>
#include <iterator>
#include <utility>

#include "wire/http_grammar.h"

namespace wire {
namespace {

constexpr std::size_t kMethodBytesMax = 32;
constexpr std::size_t kChunkSizeDigitsMax = 15;
constexpr std::size_t kChunkLineBytesMax = 1024;
constexpr std::size_t kTrailerBytesMax = 64 * 1024;

// Cuts the first line off, without its CRLF. The head's scanner has seen to the line ends.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == 0 || end == std::string_view::npos || text[end - 1] != '\r')
    return std::exchange(text, {});
  const auto line = text.substr(0, end - 1);
  text.remove_prefix(end + 1);
  return line;
}

// Makes the string where it is to stay, instead of moving it there.
struct InPlace {
  std::string_view text;
  operator std::string() const { return std::string(text); }  // NOLINT: implicit on purpose
};

std::expected<std::vector<Header>, int> parse_headers(std::string_view text,
                                                      const HeadLimits& limits) {
  std::vector<Header> headers;
  headers.reserve(16);
  for (auto line = take_line(text); !line.empty(); line = take_line(text)) {
    if (headers.size() == limits.count_max) return std::unexpected(431);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::unexpected(400);
    // A folded line begins with a blank, which is no token either.
    const auto name = line.substr(0, colon);
    const auto value = trim_blanks(line.substr(colon + 1));
    if (!is_token(name) || !is_field_value(value)) return std::unexpected(400);
    headers.emplace_back(InPlace{name}, InPlace{value});
  }
  return headers;
}

// What the headers say about the body. False: they contradict each other or themselves.
bool read_framing(const std::vector<Header>& headers, Framing& framing) {
  bool close = false;
  bool keep = false;
  int codings = 0;
  constexpr std::string_view kLength = "content-length";
  constexpr std::string_view kCoding = "transfer-encoding";
  constexpr std::string_view kConnection = "connection";
  for (const auto& [name, value] : headers) {
    if (name.size() == kLength.size() && equal_ignoring_case(name, kLength)) {
      if (framing.content_length) return false;
      framing.content_length = parse_content_length(value);
      if (!framing.content_length) return false;
    } else if (name.size() == kCoding.size() && equal_ignoring_case(name, kCoding)) {
      ++codings;
      framing.chunked = equal_ignoring_case(value, "chunked");
      if (!framing.chunked) return false;
    } else if (name.size() == kConnection.size() && equal_ignoring_case(name, kConnection)) {
      close |= list_contains(value, "close");
      keep |= list_contains(value, "keep-alive");
    }
  }
  if (codings > 1 || (codings == 1 && framing.content_length)) return false;
  if (codings == 1 && framing.minor_version == 0) return false;
  framing.keep_alive = !close && (framing.minor_version == 1 || keep);
  return true;
}

// "HTTP/1.0" or "HTTP/1.1": the minor version.
std::expected<int, int> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return 1;
  if (text == "HTTP/1.0") return 0;
  const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") && text[6] == '.' &&
                           text[5] >= '0' && text[5] <= '9' && text[7] >= '0' && text[7] <= '9';
  return std::unexpected(well_formed ? 505 : 400);
}

struct Target {
  std::string_view authority;  // of an absolute target
  std::string_view path;
  std::string_view query;
};

std::optional<Target> parse_target(std::string_view text, std::string_view method) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) return std::nullopt;
  Target target;
  if (text == "*") {
    if (method != "OPTIONS") return std::nullopt;
    target.path = text;
    return target;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
    text.remove_prefix(scheme.size());
    const auto end = text.find_first_of("/?");
    target.authority = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view("/") : text.substr(end);
    if (target.authority.empty()) return std::nullopt;
    break;
  }
  if (target.authority.empty() && !text.starts_with('/')) return std::nullopt;
  const auto question = text.find('?');
  target.path = text.substr(0, question);
  if (target.path.empty()) target.path = "/";
  if (question != std::string_view::npos) target.query = text.substr(question + 1);
  return target;
}

// The status to answer, or 0.
int check_host(HttpRequest& request, std::string_view authority, int minor_version) {
  constexpr std::string_view kHost = "host";
  const auto is_foreign = [](char c) {
    return c == ' ' || c == '\t' || c == ',' || c == '/' || c == '@';
  };
  Header* host = nullptr;
  for (auto& header : request.headers) {
    if (header.name.size() != kHost.size() || !equal_ignoring_case(header.name, kHost)) continue;
    if (host != nullptr) return 400;
    host = &header;
  }
  if (host == nullptr) return minor_version == 0 ? 0 : 400;
  if (std::ranges::any_of(host->value, is_foreign)) return 400;
  if (!authority.empty()) host->value = authority;
  return 0;
}

}  // namespace

HeadScanner::Found HeadScanner::scan(std::string_view buffer) {
  while (scanned_ < buffer.size()) {
    const void* const found = std::memchr(buffer.data() + scanned_, '\n', buffer.size() - scanned_);
    if (found == nullptr) {
      scanned_ = buffer.size();
      return Found::kNothingYet;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer.data());
    if (at == line_start_ || buffer[at - 1] != '\r') return Found::kBad;
    const bool empty = at == line_start_ + 1;
    scanned_ = at + 1;
    const bool first = line_start_ == 0;
    line_start_ = scanned_;
    if (empty) return first ? Found::kBad : Found::kEnd;
  }
  return Found::kNothingYet;
}

std::expected<RequestHead, int> parse_request_head(std::string_view text,
                                                   const HeadLimits& limits) {
  const auto line = take_line(text);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return std::unexpected(400);
  const auto method = line.substr(0, first);
  if (!is_token(method) || method.size() > kMethodBytesMax) return std::unexpected(400);
  const auto version = parse_version(line.substr(last + 1));
  if (!version) return std::unexpected(version.error());
  const auto target = parse_target(line.substr(first + 1, last - first - 1), method);
  if (!target) return std::unexpected(400);

  RequestHead head;
  head.framing.minor_version = *version;
  head.request.method = method;
  head.request.path = target->path;
  head.request.query = target->query;
  auto headers = parse_headers(text, limits);
  if (!headers) return std::unexpected(headers.error());
  head.request.headers = *std::move(headers);
  if (!read_framing(head.request.headers, head.framing)) return std::unexpected(400);
  const int status = check_host(head.request, target->authority, *version);
  if (status != 0) return std::unexpected(status);
  if (const auto* const expect = head.request.find("expect"); expect != nullptr && *version == 1) {
    if (!equal_ignoring_case(*expect, "100-continue")) return std::unexpected(417);
    head.framing.expects_continue = true;
  }
  return head;
}

std::optional<ResponseHead> parse_response_head(std::string_view text, const HeadLimits& limits) {
  const auto line = take_line(text);
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' '))
    return std::nullopt;
  const auto version = parse_version(line.substr(0, 8));
  const auto status = parse_content_length(line.substr(9, 3));
  if (!version || !status || *status < 100) return std::nullopt;
  ResponseHead head;
  head.status = static_cast<int>(*status);
  head.framing.minor_version = *version;
  auto headers = parse_headers(text, limits);
  if (!headers) return std::nullopt;
  head.headers = *std::move(headers);
  if (!read_framing(head.headers, head.framing)) return std::nullopt;
  return head;
}

std::optional<std::vector<Header>> parse_trailers(std::string_view text) {
  auto headers = parse_headers(text, {});
  if (!headers) return std::nullopt;
  return *std::move(headers);
}

ChunkedDecoder::Piece ChunkedDecoder::next(std::string_view input) {
  Piece piece;
  while (piece.consumed < input.size() && !done() && !bad()) {
    if (state_ == State::kData) {
      piece.data = input.substr(piece.consumed, left_);
      piece.consumed += piece.data.size();
      left_ -= piece.data.size();
      if (left_ == 0) state_ = State::kDataReturn;
      return piece;
    }
    step(input[piece.consumed++]);
  }
  return piece;
}

void ChunkedDecoder::step(char c) {
  const auto expect = [&](char wanted, State next) { state_ = c == wanted ? next : State::kBad; };
  switch (state_) {
    case State::kSize:
    case State::kExtension: return step_size(c);
    case State::kSizeLineFeed:
      overhead_ = 0;
      size_digits_ = 0;
      return expect('\n', left_ == 0 ? State::kTrailerStart : State::kData);
    case State::kDataReturn: return expect('\r', State::kDataLineFeed);
    case State::kDataLineFeed: return expect('\n', State::kSize);
    case State::kTrailerStart:
    case State::kTrailer: return step_trailer(c);
    case State::kTrailerLineFeed: trailers_ += c; return expect('\n', State::kTrailerStart);
    case State::kEndLineFeed: trailers_ += c; return expect('\n', State::kDone);
    case State::kData:
    case State::kDone:
    case State::kBad: return;
  }
}

void ChunkedDecoder::step_size(char c) {
  if (++overhead_ > kChunkLineBytesMax) return void(state_ = State::kBad);
  if (c == '\r') return void(state_ = size_digits_ > 0 ? State::kSizeLineFeed : State::kBad);
  if (state_ == State::kExtension) {
    if (!is_field_value({&c, 1})) state_ = State::kBad;
    return;
  }
  if (size_digits_ > 0 && (c == ';' || c == ' ' || c == '\t'))
    return void(state_ = State::kExtension);
  int digit = -1;
  if (c >= '0' && c <= '9') digit = c - '0';
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') digit = lower - 'a' + 10;
  if (digit < 0 || ++size_digits_ > kChunkSizeDigitsMax) return void(state_ = State::kBad);
  left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
}

void ChunkedDecoder::step_trailer(char c) {
  if (++overhead_ > kTrailerBytesMax) return void(state_ = State::kBad);
  trailers_ += c;
  if (c == '\r') {
    state_ = state_ == State::kTrailerStart ? State::kEndLineFeed : State::kTrailerLineFeed;
    return;
  }
  state_ = is_field_value({&c, 1}) ? State::kTrailer : State::kBad;
}

void append_status_line(std::string& out, int status) {
  out.append("HTTP/1.1 ").append(fmt::format_int(status).c_str()).append(" ");
  out.append(reason_phrase(status)).append("\r\n");
}

}  // namespace wire
