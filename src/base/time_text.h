#pragma once

// Text forms of time, all UTC.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace base {

std::string iso8601(Timestamp time);     // 2026-11-23T04:51:00Z
std::string iso8601_ms(Timestamp time);  // 2026-11-23T04:51:00.123Z
std::string http_date(Timestamp time);   // Mon, 23 Nov 2026 04:51:00 GMT
std::string amz_date(Timestamp time);    // 20261123T045100Z

// Each takes exactly its own form (iso8601: with or without fraction, "Z" or an offset).
std::optional<Timestamp> parse_iso8601(std::string_view text);
std::optional<Timestamp> parse_http_date(std::string_view text);
std::optional<Timestamp> parse_amz_date(std::string_view text);

}  // namespace base
