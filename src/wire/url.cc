#include "wire/http_client.h"
#include "wire/http_grammar.h"

namespace wire {
namespace {

std::unexpected<base::Error> bad_url(std::string_view text, std::string_view why) {
  return base::error(base::ErrorCode::kInvalidArgument,
                     "bad URL " + std::string(text) + ": " + std::string(why));
}

std::uint16_t scheme_port(bool secure) { return secure ? 443 : 80; }

}  // namespace

std::string Url::authority() const {
  std::string text = host;
  if (host.contains(':')) text = "[" + host + "]";
  if (port != scheme_port(secure)) text += ":" + std::to_string(port);
  return text;
}

base::Result<Url> parse_url(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      return bad_url("", "it contains blanks or control characters");
  Url url;
  std::string_view rest = text;
  if (equal_ignoring_case(rest.substr(0, 8), "https://")) {
    url.secure = true;
    rest.remove_prefix(8);
  } else if (equal_ignoring_case(rest.substr(0, 7), "http://")) {
    rest.remove_prefix(7);
  } else {
    return bad_url(text, "it begins with neither http:// nor https://");
  }
  rest = rest.substr(0, rest.find('#'));
  const auto path = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, path);
  if (path != std::string_view::npos) url.target = rest.substr(path);
  if (url.target.starts_with('?')) url.target.insert(0, "/");
  if (authority.contains('@')) return bad_url(text, "it names a user");

  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return bad_url(text, "a bracket is open");
    url.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
  } else {
    const auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (url.host.empty()) return bad_url(text, "it names no host");
  url.port = scheme_port(url.secure);
  if (!port.empty() && port != ":") {
    const auto number = parse_content_length(port.substr(1));
    if (port.front() != ':' || !number || *number == 0 || *number > 65535)
      return bad_url(text, "the port is no number from 1 to 65535");
    url.port = static_cast<std::uint16_t>(*number);
  }
  return url;
}

}  // namespace wire
