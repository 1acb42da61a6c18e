#include "auth/canonical.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/time_text.h"

namespace auth::canonical {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";

consteval std::array<bool, 256> unreserved_characters() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-._~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kUnreserved = unreserved_characters();

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (kUnreserved[byte]) {
    out += c;
    return;
  }
  out += '%';
  out += kUpperHex[byte >> 4U];
  out += kUpperHex[byte & 15U];
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte at the front of `text`, unescaped, and taken off it. A malformed escape is itself.
char take_unescaped(std::string_view& text) {
  const char c = text.front();
  if (c == '%' && text.size() >= 3) {
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    if (high >= 0 && low >= 0) {
      text.remove_prefix(3);
      return static_cast<char>(high * 16 + low);
    }
  }
  text.remove_prefix(1);
  return c;
}

std::string reescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (text.front() == '+') {
      out += "%20";
      text.remove_prefix(1);
      continue;
    }
    append_escaped(out, take_unescaped(text));
  }
  return out;
}

bool is_plain(std::string_view path) {
  return path.find("//") == std::string_view::npos && path.find("/.") == std::string_view::npos;
}

// RFC 3986's removal of dot segments, and of empty ones.
std::string resolved(std::string_view path) {
  std::vector<std::string_view> kept;
  for_each_part(path, '/', [&](std::string_view segment) {
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    return true;
  });
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  const bool ends_open = path.ends_with('/') && !kept.empty();
  if (out.empty() || ends_open) out += '/';
  return out;
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

// Trimmed, runs of blanks made one blank.
void append_folded(std::string& out, std::string_view value) {
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  if (value.find('\t') == std::string_view::npos && value.find("  ") == std::string_view::npos) {
    out += value;
    return;
  }
  bool after_space = false;
  for (const char c : value) {
    if (!is_space(c)) out += c;
    else if (!after_space) out += ' ';
    after_space = is_space(c);
  }
}

}  // namespace

void append_escaped_path(std::string& out, std::string_view path) {
  if (path.empty()) out += '/';
  for (const char c : path) {
    if (c == '/') out += c;
    else append_escaped(out, c);
  }
}

void append_normalised_path(std::string& out, std::string_view path) {
  if (is_plain(path)) append_escaped_path(out, path);
  else append_escaped_path(out, resolved(path));
}

void append_s3_path(std::string& out, std::string_view path) {
  if (path.empty()) out += '/';
  while (!path.empty()) {
    if (path.front() == '/') {
      out += '/';
      path.remove_prefix(1);
    } else {
      append_escaped(out, take_unescaped(path));
    }
  }
}

void append_query(std::string& out, std::string_view query, bool raw) {
  if (query.empty()) return;
  std::vector<std::pair<std::string, std::string>> pairs;
  for_each_part(query, '&', [&](std::string_view part) {
    if (part.empty()) return true;
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    if (name == "X-Amz-Signature") return true;
    if (raw) pairs.emplace_back(name, value);
    else pairs.emplace_back(reescaped(name), reescaped(value));
    return pairs.size() < kQueryParametersMax;
  });
  std::ranges::sort(pairs);
  bool first = true;
  for (const auto& [name, value] : pairs) {
    if (!std::exchange(first, false)) out += '&';
    out.append(name).append("=").append(value);
  }
}

bool query_is_ambiguous(std::string_view query) {
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    if (c == '&' || c == '=') continue;
    if (c != '%') {
      if (!kUnreserved[static_cast<unsigned char>(c)]) return true;
      continue;
    }
    if (i + 2 >= query.size()) return true;
    const int high = hex_value(query[i + 1]);
    const int low = hex_value(query[i + 2]);
    if (high < 0 || low < 0) return true;
    if (kUnreserved[static_cast<unsigned char>(high * 16 + low)]) return true;
    if (query[i + 1] >= 'a' || query[i + 2] >= 'a') return true;
    i += 2;
  }
  return false;
}

void append_headers(std::string& out, std::string_view signed_headers,
                    std::span<const HeaderView> headers) {
  for_each_part(signed_headers, ';', [&](std::string_view name) {
    out.append(name).append(":");
    const bool authority = name == kAuthority;
    bool first = true;
    for (const HeaderView& header : headers) {
      const bool named = base::equal_ignoring_case(header.name, name) ||
                         (authority && base::equal_ignoring_case(header.name, "host"));
      if (!named) continue;
      if (!std::exchange(first, false)) out += ',';
      append_folded(out, header.value);
    }
    out += '\n';
    return true;
  });
}

std::string string_to_sign(std::string_view timestamp, std::string_view scope,
                           std::string_view canonical_request) {
  std::string text;
  text.reserve(192);
  text.append(kSigV4Algorithm).append("\n");
  text.append(timestamp).append("\n").append(scope).append("\n");
  text += base::sha256_of(canonical_request).hex().view();
  return text;
}

std::string signing_key(std::string_view secret, std::string_view date, std::string_view region,
                        std::string_view service) {
  std::string key = "AWS4";
  key += secret;
  for (const std::string_view part : {date, region, service, std::string_view("aws4_request")})
    key = base::hmac_sha256(key, part);
  return key;
}

std::optional<base::Timestamp> parse_date(std::string_view text) {
  if (const auto time = base::parse_amz_date(text)) return time;
  // Python writes "-0000" where the standard says "GMT".
  std::string date(text);
  if (date.ends_with(" -0000") || date.ends_with(" +0000")) date.replace(date.size() - 5, 5, "GMT");
  return base::parse_http_date(date);
}

const HeaderView* find_header(std::span<const HeaderView> headers, std::string_view name) {
  for (const HeaderView& header : headers)
    if (base::equal_ignoring_case(header.name, name)) return &header;
  return nullptr;
}

}  // namespace auth::canonical
