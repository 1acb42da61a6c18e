// SHA-256 and HMAC-SHA-256. Answers are 32 raw bytes.
#pragma once

#include <string>
#include <string_view>

namespace sdk {

// Once, before anything else here or in tls.h: keeps OpenSSL from reading the system's
// configuration file, which belongs to another version of the library wherever this one is static.
void init_crypto();

std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

}  // namespace sdk
