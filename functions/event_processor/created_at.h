// A tweet's created_at as the text that the table sorts by. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace event_processor {

// "Sun Aug 31 00:29:15 +0000 2014" -> "2014-08-31T00:29:15.000Z". RFC 3339 times are taken too,
// as newer sources write them ("2014-08-31T02:29:15.5+02:00"). Always UTC, always milliseconds
// (finer digits are cut). The day of the week is not checked against the date. Nothing for text
// that is neither, or a time that does not exist.
std::optional<std::string> timestamp_from(std::string_view created_at);

}  // namespace event_processor
