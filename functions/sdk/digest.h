// SHA-256 and HMAC-SHA-256. Answers are 32 raw bytes.
#pragma once

#include <string>
#include <string_view>

namespace sdk {

std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace sdk
