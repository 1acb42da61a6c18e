// Points in time as text. Input: milliseconds since the Unix epoch; years 0 to 9999.
#pragma once

#include <cstdint>
#include <string>

namespace sdk {

// 2014-08-31T00:29:15.000Z
std::string iso8601_ms(std::int64_t unix_ms);
// 20140831T002915Z, the form that request signatures use; its first eight characters are the date.
std::string basic_iso8601(std::int64_t unix_ms);

}  // namespace sdk
