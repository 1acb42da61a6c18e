#pragma once

// The small words of HTTP (RFC 9110) that both versions and both sides need. Pure functions.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "wire/http_types.h"

namespace wire {

bool is_token(std::string_view text);                 // a method or a header's name; not empty
bool is_field_value(std::string_view text);           // no control characters but tab
std::string_view trim_blanks(std::string_view text);  // spaces and tabs
std::string to_lower(std::string_view text);          // ASCII

// Digits only, no sign, no overflow.
std::optional<std::uint64_t> parse_content_length(std::string_view text);
// Does the comma-separated list name `word`, in any case?
bool list_contains(std::string_view list, std::string_view word);

// "Not Found"; "" for a status without a well-known phrase.
std::string_view reason_phrase(int status);
// 1xx, 204 and 304 never have a body.
bool status_has_body(int status);
// Headers that belong to one connection or that the server sets itself: a handler's are dropped.
bool is_connection_header(std::string_view name);
// A head that a handler made must not smuggle lines into the connection.
base::Status check_headers(const std::vector<Header>& headers);

// How answers that no handler makes look: too large, slow down, malformed.
HttpResponse refusal(int status);

}  // namespace wire
