#include "sdk/http_message.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sdk {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::unexpected<Error> bad_response(std::string_view why) {
  return failure(Fault::kProtocol, "BadHttpResponse", "bad HTTP response: " + std::string(why));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "HTTP/1.1 200 OK" -> 200; the reason may be missing.
std::optional<int> parse_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ') return std::nullopt;
  if (line[7] != '0' && line[7] != '1') return std::nullopt;
  if (line.size() > 12 && line[12] != ' ') return std::nullopt;
  const auto status = parse_number(line.substr(9, 3), 10);
  if (!status || *status < 100 || *status > 599) return std::nullopt;
  return static_cast<int>(*status);
}

// A list header such as "keep-alive, close".
bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (equal_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<Header> parse_header_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view name = line.substr(0, colon);
  // A folded line or a blank before the colon is how messages get smuggled.
  if (name.find_first_of(" \t\r\n") != std::string_view::npos) return std::nullopt;
  const std::string_view value = trim(line.substr(colon + 1));
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    return std::nullopt;
  }
  return Header{std::string(name), std::string(value)};
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view Response::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

std::string render_request(const Request& request, std::string_view host_header) {
  std::string out;
  out.reserve(512 + request.body.size());
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ");
  out.append(host_header).append("\r\n");
  for (const Header& header : request.headers) {
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (request.method != "GET") {
    out.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  return out.append("\r\n").append(request.body);
}

Result<bool> ResponseParser::feed(std::string_view bytes) {
  if (!bytes.empty()) started_ = true;
  buffer_.append(bytes);
  while (true) {
    auto more = step();
    if (!more) return more;
    if (!*more) break;
  }
  if (state_ == State::kDone && !buffer_.empty()) keep_alive_ = false;
  return state_ == State::kDone;
}

Result<bool> ResponseParser::end_of_stream() {
  keep_alive_ = false;
  if (state_ == State::kToEnd) state_ = State::kDone;
  if (state_ == State::kDone) return true;
  return failure(Fault::kConnection, "ConnectionClosed",
                 "the connection was closed before the response was complete");
}

Result<bool> ResponseParser::step() {
  switch (state_) {
    case State::kHead: return read_head();
    case State::kFixed:
    case State::kChunkData: return read_fixed();
    case State::kChunkSize: return read_chunk_size();
    case State::kChunkEnd: return read_chunk_end();
    case State::kTrailer: return read_trailer();
    case State::kToEnd:
      if (response_.body.size() + buffer_.size() > kBodyBytesMax) return bad_response("too long");
      response_.body.append(buffer_);
      buffer_.clear();
      return false;
    case State::kDone: return false;
  }
  return false;
}

Result<bool> ResponseParser::read_head() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) {
    if (buffer_.size() > kHeadBytesMax) return bad_response("its head is too long");
    return false;
  }
  if (end > kHeadBytesMax) return bad_response("its head is too long");
  const std::string_view head = std::string_view(buffer_).substr(0, end);
  std::size_t line_end = head.find("\r\n");
  const std::string_view first = head.substr(0, line_end);
  const auto status = parse_status_line(first);
  if (!status) return bad_response("its status line cannot be read");
  response_ = Response{.status = *status, .headers = {}, .body = {}};
  keep_alive_ = first[7] == '1';
  while (line_end != std::string_view::npos) {
    const std::size_t begin = line_end + 2;
    line_end = head.find("\r\n", begin);
    auto header = parse_header_line(head.substr(begin, line_end - begin));
    if (!header) return bad_response("a header line cannot be read");
    response_.headers.push_back(std::move(*header));
  }
  buffer_.erase(0, end + 4);
  if (*status < 200) return true;  // informational: the real one follows
  auto framing = read_framing();
  if (!framing) return std::unexpected(framing.error());
  return true;
}

Result<void> ResponseParser::read_framing() {
  bool chunked = false;
  std::optional<std::uint64_t> length;
  for (const Header& header : response_.headers) {
    if (equal_ignoring_case(header.name, "Transfer-Encoding")) {
      if (chunked || !equal_ignoring_case(header.value, "chunked")) {
        return bad_response("its transfer encoding is not chunked");
      }
      chunked = true;
    } else if (equal_ignoring_case(header.name, "Content-Length")) {
      const auto value = parse_number(header.value, 10);
      if (!value || (length && *length != *value)) return bad_response("its length is unclear");
      length = value;
    } else if (equal_ignoring_case(header.name, "Connection")) {
      if (has_token(header.value, "close")) keep_alive_ = false;
      if (has_token(header.value, "keep-alive")) keep_alive_ = true;
    }
  }
  if (chunked && length) return bad_response("it is both chunked and of a given length");
  const bool bodiless = response_.status == 204 || response_.status == 304;
  if (bodiless || (length && *length == 0)) {
    state_ = State::kDone;
  } else if (chunked) {
    state_ = State::kChunkSize;
  } else if (length) {
    if (*length > kBodyBytesMax) return bad_response("too long");
    wanted_ = *length;
    response_.body.reserve(std::min<std::uint64_t>(wanted_, 1U << 20));
    state_ = State::kFixed;
  } else {
    keep_alive_ = false;
    state_ = State::kToEnd;
  }
  return {};
}

Result<bool> ResponseParser::read_fixed() {
  const std::size_t n = std::min<std::uint64_t>(wanted_, buffer_.size());
  response_.body.append(buffer_, 0, n);
  buffer_.erase(0, n);
  wanted_ -= n;
  if (wanted_ > 0) return false;
  state_ = state_ == State::kFixed ? State::kDone : State::kChunkEnd;
  return true;
}

Result<bool> ResponseParser::read_chunk_size() {
  const std::size_t end = buffer_.find("\r\n");
  if (end == std::string::npos) {
    if (buffer_.size() > 1024) return bad_response("a chunk's size cannot be read");
    return false;
  }
  const std::string_view line = std::string_view(buffer_).substr(0, end);
  const auto size = parse_number(trim(line.substr(0, line.find(';'))), 16);
  if (!size) return bad_response("a chunk's size cannot be read");
  if (*size > kBodyBytesMax - response_.body.size()) return bad_response("too long");
  wanted_ = *size;
  state_ = *size == 0 ? State::kTrailer : State::kChunkData;
  buffer_.erase(0, end + 2);
  return true;
}

Result<bool> ResponseParser::read_chunk_end() {
  if (buffer_.size() < 2) return false;
  if (!buffer_.starts_with("\r\n")) return bad_response("a chunk is longer than its size");
  buffer_.erase(0, 2);
  state_ = State::kChunkSize;
  return true;
}

// Trailing headers are read over.
Result<bool> ResponseParser::read_trailer() {
  const std::size_t end = buffer_.find("\r\n");
  if (trailer_bytes_ + std::min(end, buffer_.size()) > kHeadBytesMax) {
    return bad_response("its trailer is too long");
  }
  if (end == std::string::npos) return false;
  trailer_bytes_ += end + 2;
  buffer_.erase(0, end + 2);
  if (end == 0) state_ = State::kDone;
  return true;
}

}  // namespace sdk
