#include "sdk/url.h"

#include <charconv>
#include <optional>

namespace sdk {
namespace {

std::unexpected<Error> bad_url(std::string_view why) {
  return failure(Fault::kInput, "InvalidUrl", "the URL is not usable: " + std::string(why));
}

// 0x7f and above never stand raw in a URL; they would be percent-encoded.
bool printable(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

Result<Origin> parse_authority(std::string_view authority, bool tls) {
  if (!printable(authority)) return bad_url("white space or control characters");
  if (authority.contains('@')) return bad_url("user information is not supported");
  Origin origin{tls, "", static_cast<std::uint16_t>(tls ? 443 : 80)};
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad_url("unbalanced bracket");
    origin.host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    origin.host = authority.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  }
  if (origin.host.empty()) return bad_url("no host");
  if (rest.empty() || rest == ":") return origin;
  const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port) return bad_url("the port is not a number from 1 to 65535");
  origin.port = *port;
  return origin;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_prefix) {
  if (text.size() < lower_prefix.size()) return false;
  for (std::size_t i = 0; i < lower_prefix.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower_prefix[i]) return false;
  }
  return true;
}

}  // namespace

std::string Origin::host_header() const {
  std::string text = host.contains(':') ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

Result<Url> parse_url(std::string_view text) {
  const bool tls = starts_with_ignoring_case(text, "https://");
  if (!tls && !starts_with_ignoring_case(text, "http://")) {
    return bad_url("it starts with neither http:// nor https://");
  }
  text.remove_prefix(tls ? 8 : 7);
  text = text.substr(0, text.find('#'));
  if (!printable(text)) return bad_url("white space, control or non-ASCII characters");
  const std::size_t path = text.find_first_of("/?");
  auto origin = parse_authority(text.substr(0, path), tls);
  if (!origin) return std::unexpected(origin.error());
  std::string target =
      path == std::string_view::npos ? std::string() : std::string(text.substr(path));
  if (!target.starts_with('/')) target.insert(0, "/");
  return Url{std::move(*origin), std::move(target)};
}

Result<Origin> parse_host_port(std::string_view text) { return parse_authority(text, false); }

}  // namespace sdk
