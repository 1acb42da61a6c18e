#pragma once

// The shared arithmetic of Signature Version 4: canonical forms, the string to sign, derived keys.
// Used by both ends, private to auth. Pure functions; "append" adds to `out`, which lets a request
// be put together in one buffer.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "auth/sigv4.h"
#include "base/check.h"

namespace auth::canonical {

// The path of services other than S3: "." and ".." and empty segments resolved, then the whole
// escaped once more (a sent "%20" becomes "%2520").
void append_normalised_path(std::string& out, std::string_view path);
// The same without resolving segments.
void append_escaped_path(std::string& out, std::string_view path);
// S3's path: unescaped and escaped again, segments untouched.
void append_s3_path(std::string& out, std::string_view path);

// Sorted query. Each name and value is unescaped ('+' is a space) and escaped again, or with `raw`
// left as sent. X-Amz-Signature is left out.
void append_query(std::string& out, std::string_view query, bool raw);
// True when append_query's two forms can differ.
bool query_is_ambiguous(std::string_view query);

// What HTTP/2 calls the host; some clients sign it under that name. Headers have it as "host".
inline constexpr std::string_view kAuthority = ":authority";

// "name:value\n" for each name of the list "a;b;c", from headers in any case and order.
void append_headers(std::string& out, std::string_view signed_headers,
                    std::span<const HeaderView> headers);

// "AWS4-HMAC-SHA256\n<timestamp>\n<scope>\n<hash of the canonical request>".
std::string string_to_sign(std::string_view timestamp, std::string_view scope,
                           std::string_view canonical_request);

std::string signing_key(std::string_view secret, std::string_view date, std::string_view region,
                        std::string_view service);  // 32 bytes

// The date of a signature: ISO 8601's basic form or HTTP's.
std::optional<base::Timestamp> parse_date(std::string_view text);

// The first header of that name; nullptr: none.
const HeaderView* find_header(std::span<const HeaderView> headers, std::string_view name);

// Copies texts into one piece of memory, whose size is known before: a parsed signature's.
class TextKeeper {
 public:
  explicit TextKeeper(std::size_t bytes)
      : memory_(std::make_unique_for_overwrite<char[]>(bytes)), left_(memory_.get(), bytes) {}
  std::string_view keep(std::string_view text) {
    CHECK(text.size() <= left_.size());
    const std::span<char> kept = left_.first(text.size());
    std::ranges::copy(text, kept.begin());
    left_ = left_.subspan(text.size());
    return {kept.data(), kept.size()};
  }
  std::unique_ptr<char[]> take() { return std::move(memory_); }

 private:
  std::unique_ptr<char[]> memory_;
  std::span<char> left_;
};

// Calls `visit(item)` for each part of `text` between `separator`s, while it answers true.
template <class Visit>
void for_each_part(std::string_view text, char separator, Visit&& visit) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!visit(text.substr(0, end)) || end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace auth::canonical
