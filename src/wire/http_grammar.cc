#include "wire/http_grammar.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace wire {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kTokenCharacters = make_token_table();

constexpr std::array<std::string_view, 6> kConnectionHeaders = {
    "connection",        "keep-alive", "proxy-connection",
    "transfer-encoding", "upgrade",    "content-length"};

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// Whether one of eight bytes is below 0x20 or is 0x7f: a control character, or a tab.
bool may_hold_control(const char* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t low = (word - kOnes * 0x20) & ~word;
  const std::uint64_t deleted = word ^ (kOnes * 0x7f);
  return ((low | ((deleted - kOnes) & ~deleted)) & (kOnes * 0x80)) != 0;
}

}  // namespace

bool is_token(std::string_view text) {
  bool good = !text.empty();
  for (const char c : text) good &= kTokenCharacters[static_cast<unsigned char>(c)];
  return good;
}

// Eight bytes a step, the last eight once more if need be.
bool is_field_value(std::string_view text) {
  if (text.size() < 8) return std::ranges::none_of(text, is_control);
  const char* const last = text.data() + text.size() - 8;
  bool perhaps = may_hold_control(last);
  for (const char* at = text.data(); at < last; at += 8) perhaps |= may_hold_control(at);
  return !perhaps || std::ranges::none_of(text, is_control);
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  constexpr std::size_t kDigitsMax = 18;  // far beyond any limit, short of overflow
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool list_contains(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (equal_ignoring_case(trim_blanks(list.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

bool status_has_body(int status) { return status >= 200 && status != 204 && status != 304; }

bool is_connection_header(std::string_view name) {
  for (const auto known : kConnectionHeaders)
    if (name.size() == known.size() && equal_ignoring_case(name, known)) return true;
  return false;
}

base::Status check_headers(const std::vector<Header>& headers) {
  for (const auto& header : headers) {
    if (!is_token(header.name))
      return base::error(base::ErrorCode::kInvalidArgument, "a header's name is no token");
    if (!is_field_value(header.value))
      return base::error(base::ErrorCode::kInvalidArgument,
                         "header " + header.name + " has control characters in its value");
  }
  return {};
}

HttpResponse refusal(int status) {
  HttpResponse response;
  response.status = status;
  std::string_view code = "BadRequest";
  std::string_view message = "The request is not valid HTTP.";
  switch (status) {
    case 408:
      code = "RequestTimeout";
      message = "The request was not received in time.";
      break;
    case 413:
      code = "EntityTooLarge";
      message = "The request's body is larger than this server takes.";
      break;
    case 431:
      code = "RequestHeaderSectionTooLarge";
      message = "The request's headers are larger than this server takes.";
      break;
    case 500:
      code = "InternalError";
      message = "The request failed inside the server.";
      break;
    case 503:
      code = "SlowDown";  // which AWS's clients retry with growing pauses
      message = "Please reduce your request rate.";
      break;
    default: break;
  }
  response.headers.push_back({"Content-Type", "application/xml"});
  response.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>";
  response.body.append(code).append("</Code><Message>").append(message);
  response.body.append("</Message></Error>");
  return response;
}

}  // namespace wire
